import type { ReactNode } from 'react';
import { FolderPlus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../kit/button.tsx';
import { EmptyState, LoadingState } from '../../kit/states.tsx';
import { goTo } from '../../store/engine-store.ts';
import { useStore } from '../../store/use-store.ts';
import { ActivityPanel } from './activity-panel.tsx';
import { IssuesPanel } from './issues-panel.tsx';
import { Notices } from './notices.tsx';
import { ProofCard } from './proof-card.tsx';
import { StorageCard } from './storage-card.tsx';
import { Summary } from './summary.tsx';
import './status-view.css';

export function StatusView({ issueToShow }: { readonly issueToShow: number | null }): ReactNode {
  const { t } = useTranslation();
  const status = useStore((state) => state.status);
  if (status === null) return <LoadingState isPage />;
  return (
    <div className="page">
      <Summary status={status} />
      <Notices notices={status.notices} />
      <IssuesPanel issueToShow={issueToShow} />
      <div className="status-columns">
        {status.pairs.length === 0 ? (
          <section className="card">
            <EmptyState
              icon={<FolderPlus size={24} />}
              title={t('status.headline.no-folder')}
              actions={
                <Button kind="primary" onPress={() => goTo('settings', 'folders')}>
                  {t('status.addFolder')}
                </Button>
              }
            >
              {t('status.noFolderText')}
            </EmptyState>
          </section>
        ) : (
          <ActivityPanel />
        )}
        <div className="stack">
          <StorageCard />
          <ProofCard />
        </div>
      </div>
    </div>
  );
}
