/** The frame around the views: navigation, account, what holds for all of them. */
import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import { Activity, History, Settings } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { AppInfo } from '../../protocol/app.ts';
import { goTo } from '../store/engine-store.ts';
import { useStore } from '../store/use-store.ts';
import { HistoryView } from '../views/history/history-view.tsx';
import { SettingsView } from '../views/settings/settings-view.tsx';
import { StatusView } from '../views/status/status-view.tsx';
import { AccountBadge } from './account-badge.tsx';
import { Announcer } from './announcer.tsx';
import { Banners } from './banners.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { Mark } from './mark.tsx';
import './shell.css';

const views = [
  { id: 'status', icon: Activity },
  { id: 'history', icon: History },
  { id: 'settings', icon: Settings },
] as const;
type View = (typeof views)[number]['id'];

export function Shell({ info }: { readonly info: AppInfo }): ReactNode {
  const { t } = useTranslation();
  const place = useStore((state) => state.place);
  const issueCount = useStore((state) => state.issueCount);
  // Whoever is here has an account.
  const view: View = place.view === 'welcome' ? 'status' : place.view;

  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t('shell.skip')}
      </a>
      <header className="sidebar">
        <p className="brand" aria-hidden="true">
          <Mark />
          {t('app.name')}
        </p>
        <nav aria-label={t('nav.label')} className="nav">
          {views.map(({ id, icon: Icon }) => (
            <AriaButton
              key={id}
              className="nav-item"
              aria-current={view === id ? 'page' : false}
              onPress={() => goTo(id)}
            >
              <Icon size={18} aria-hidden="true" />
              <span className="nav-label">{t(`nav.${id}`)}</span>
              {id === 'status' && issueCount > 0 && (
                <span className="nav-badge figures">
                  <span aria-hidden="true">{issueCount > 99 ? '99+' : issueCount}</span>
                  <span className="only-read">{t('nav.issues', { count: issueCount })}</span>
                </span>
              )}
            </AriaButton>
          ))}
        </nav>
        <AccountBadge />
      </header>
      <main className="content" id="content" tabIndex={-1}>
        <Banners info={info} />
        <ErrorBoundary key={view}>
          {view === 'status' && <StatusView issueToShow={place.issue} />}
          {view === 'history' && <HistoryView />}
          {view === 'settings' && <SettingsView info={info} page={place.page} />}
        </ErrorBoundary>
      </main>
      <Announcer />
    </div>
  );
}
