import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { AppInfo, AppSettings } from '../../../protocol/app.ts';
import { app, engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Select, Switch } from '../../kit/choice.tsx';
import { Banner, ErrorNote } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { readApp, readStatus } from '../../store/engine-store.ts';
import { useCall } from '../../store/use-call.ts';
import { useStore } from '../../store/use-store.ts';
import { Section } from './section.tsx';
import { Updates } from './updates.tsx';

export function GeneralPage({ info }: { readonly info: AppInfo }): ReactNode {
  const { t } = useTranslation();
  const { settings } = info;
  const save = useCall(async (_, change: Partial<AppSettings>) => {
    await app.call('app.settings', change);
    await readApp();
  });
  const set = (change: Partial<AppSettings>): void => void save.run(change);
  return (
    <div className="stack-wide">
      {save.error !== null && <ErrorNote error={save.error} />}
      <Section title={t('settings.general.look')}>
        <div className="card pair-of-fields">
          <Select
            label={t('settings.general.language')}
            value={settings.language}
            onChange={(language) => set({ language })}
            options={[
              { value: 'system', label: t('settings.general.languageSystem') },
              { value: 'en', label: 'English' },
              { value: 'fr', label: 'Français' },
            ]}
          />
          <Select
            label={t('settings.general.theme')}
            value={settings.theme}
            onChange={(theme) => set({ theme })}
            options={[
              { value: 'system', label: t('settings.general.themeSystem') },
              { value: 'light', label: t('settings.general.themeLight') },
              { value: 'dark', label: t('settings.general.themeDark') },
            ]}
          />
        </div>
      </Section>
      <Section title={t('settings.general.behaviour')}>
        <div className="card stack">
          <Switch
            isSelected={settings.startAtLogin}
            isDisabled={!info.canStartAtLogin}
            onChange={(startAtLogin) => set({ startAtLogin })}
            about={t(info.canStartAtLogin ? 'settings.general.startAbout' : 'settings.general.startNotHere')}
          >
            {t('settings.general.start')}
          </Switch>
          <Switch
            isSelected={settings.notifications}
            onChange={(notifications) => set({ notifications })}
            about={t('settings.general.notifyAbout')}
          >
            {t('settings.general.notify')}
          </Switch>
          {!info.tray && <Banner title={t('shell.noTrayTitle')}>{t('shell.noTrayText')}</Banner>}
        </div>
      </Section>
      <DeviceName />
      <Updates info={info} onAuto={(autoUpdate) => set({ autoUpdate })} />
    </div>
  );
}

/** The name that the person's other devices show for this one, also in the names of conflict copies. */
function DeviceName(): ReactNode {
  const { t } = useTranslation();
  const saved = useStore((state) => state.status?.account?.deviceName) ?? '';
  const [name, setName] = useState(saved);
  const rename = useCall(async (options) => {
    await engine.call('config.set', { key: 'device-name', value: name.trim() }, options);
    toast(t('settings.general.renamed'));
    await readStatus();
  });
  const isChanged = name.trim() !== '' && name.trim() !== saved;
  return (
    <Section title={t('settings.general.device')}>
      <form
        className="card inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isChanged) void rename.run();
        }}
      >
        <TextField
          label={t('settings.general.deviceName')}
          about={t('settings.general.deviceNameAbout')}
          value={name}
          onChange={setName}
          maxLength={100}
        />
        <Button type="submit" isDisabled={!isChanged} isPending={rename.isRunning}>
          {t('settings.save')}
        </Button>
      </form>
      {rename.error !== null && <ErrorNote error={rename.error} />}
    </Section>
  );
}
