import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { AppInfo } from '../../../protocol/app.ts';
import { Page } from '../../kit/page.tsx';
import { Tabs } from '../../kit/tabs.tsx';
import { AboutPage } from './about-page.tsx';
import { AccountPage } from './account-page.tsx';
import { DevicesPage } from './devices-page.tsx';
import { FoldersPage } from './folders-page.tsx';
import { GeneralPage } from './general-page.tsx';
import { IgnorePage } from './ignore-page.tsx';
import { NetworkPage } from './network-page.tsx';
import './settings.css';

const pages = ['folders', 'devices', 'account', 'network', 'ignore', 'general', 'about'] as const;
type SettingsPage = (typeof pages)[number];

function isPage(page: string | null): page is SettingsPage {
  return (pages as readonly (string | null)[]).includes(page);
}

/** `page`: the one that a notification or the tray leads to. */
export function SettingsView(props: { readonly info: AppInfo; readonly page: string | null }): ReactNode {
  const { info, page } = props;
  const { t } = useTranslation();
  // What a person chose holds until something leads elsewhere.
  const [chosen, setChosen] = useState<{ shown: SettingsPage; of: string | null } | null>(null);
  const shown = chosen?.of === page ? chosen.shown : isPage(page) ? page : 'folders';
  const content = (of: SettingsPage): ReactNode => {
    switch (of) {
      case 'folders':
        return <FoldersPage />;
      case 'devices':
        return <DevicesPage />;
      case 'account':
        return <AccountPage />;
      case 'network':
        return <NetworkPage />;
      case 'ignore':
        return <IgnorePage />;
      case 'general':
        return <GeneralPage info={info} />;
      case 'about':
        return <AboutPage info={info} />;
    }
  };
  return (
    <Page title={t('settings.title')}>
      <Tabs
        label={t('settings.title')}
        selected={shown}
        onSelect={(id) => isPage(id) && setChosen({ shown: id, of: page })}
        pages={pages.map((id) => ({ id, label: t(`settings.pages.${id}`), content: content(id) }))}
      />
    </Page>
  );
}
