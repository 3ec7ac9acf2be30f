import type { ReactNode } from 'react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { AppInfo, UpdateState } from '../../../protocol/app.ts';
import { app } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Switch } from '../../kit/choice.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { useCall } from '../../store/use-call.ts';
import { Section } from './section.tsx';

export function Updates(props: {
  readonly info: AppInfo;
  readonly onAuto: (autoUpdate: boolean) => void;
}): ReactNode {
  const { info, onAuto } = props;
  const { t } = useTranslation();
  const { update } = info;
  const check = useCall(() => app.call('update.check', {}));
  const install = useCall(() => app.call('update.install', {}));
  const error = check.error ?? install.error;
  if (update.state === 'off') {
    return (
      <Section title={t('settings.updates.title')}>
        <p className="card soft">{t('settings.updates.off')}</p>
      </Section>
    );
  }
  return (
    <Section title={t('settings.updates.title')}>
      <div className="card stack">
        <Switch
          isSelected={info.settings.autoUpdate}
          onChange={onAuto}
          about={t('settings.updates.autoAbout')}
        >
          {t('settings.updates.auto')}
        </Switch>
        <div className="row between">
          <p role="status">{stateText(update, t, info.version)}</p>
          {update.state === 'ready' ? (
            <Button kind="primary" isPending={install.isRunning} onPress={() => void install.run()}>
              {t('settings.updates.install')}
            </Button>
          ) : (
            <Button
              isPending={check.isRunning || update.state === 'checking' || update.state === 'downloading'}
              onPress={() => void check.run()}
            >
              {t('settings.updates.check')}
            </Button>
          )}
        </div>
        {error !== null && <ErrorNote error={error} />}
      </div>
    </Section>
  );
}

function stateText(update: UpdateState, t: TFunction, current: string): string {
  const version = update.version ?? '';
  switch (update.state) {
    case 'off':
    case 'idle':
      return t('settings.updates.idle', { version: current });
    case 'checking':
      return t('settings.updates.checking');
    case 'downloading':
      return t('settings.updates.downloading', { version });
    case 'ready':
      return t('settings.updates.ready', { version });
    case 'failed':
      return t('settings.updates.failed', { reason: update.message ?? '' });
  }
}
