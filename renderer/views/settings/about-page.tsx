import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { AppInfo, AppLink } from '../../../protocol/app.ts';
import { app } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { useCall } from '../../store/use-call.ts';
import { useStore } from '../../store/use-store.ts';
import { LicencesDialog } from './licences-dialog.tsx';
import { Fact, Section } from './section.tsx';

export function AboutPage({ info }: { readonly info: AppInfo }): ReactNode {
  const { t } = useTranslation();
  const engineVersion = useStore((state) => state.status?.engine.version);
  const [showsLicences, setShowsLicences] = useState(false);
  const open = useCall((_, link: AppLink) => app.call('link.open', { link }));
  return (
    <Section title={t('settings.about.title')} about={t('settings.about.what')}>
      <div className="card stack">
        <dl className="facts">
          <Fact term={t('settings.about.version')}>{info.version}</Fact>
          <Fact term={t('settings.about.engine')}>{engineVersion ?? t('settings.unknown')}</Fact>
          <Fact term={t('settings.about.keychain')}>{t(`settings.about.keychains.${info.keychain}`)}</Fact>
        </dl>
        <div className="row">
          {info.links.map((link) => (
            <Button key={link} size="small" onPress={() => void open.run(link)}>
              {t(`settings.about.links.${link}`)}
            </Button>
          ))}
          <Button size="small" onPress={() => setShowsLicences(true)}>
            {t('settings.about.licences')}
          </Button>
        </div>
        {open.error !== null && <ErrorNote error={open.error} />}
        <p className="soft small">{t('settings.about.licence')}</p>
      </div>
      {showsLicences && <LicencesDialog onClose={() => setShowsLicences(false)} />}
    </Section>
  );
}
