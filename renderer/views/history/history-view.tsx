import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Page } from '../../kit/page.tsx';
import { Tabs } from '../../kit/tabs.tsx';
import { Browser } from './browser.tsx';
import { Trash } from './trash.tsx';
import './history.css';

/** What the account holds and held: browse, go back in time, bring back. */
export function HistoryView(): ReactNode {
  const { t } = useTranslation();
  const [tab, setTab] = useState('files');
  return (
    <Page title={t('history.title')} about={t('history.about')} isFixed>
      <Tabs
        label={t('history.title')}
        selected={tab}
        onSelect={setTab}
        pages={[
          { id: 'files', label: t('history.files'), content: <Browser /> },
          { id: 'trash', label: t('history.trash.title'), content: <Trash /> },
        ]}
      />
    </Page>
  );
}
