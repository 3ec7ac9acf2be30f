import { useState, type ReactNode } from 'react';
import { Monitor } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ControlResult } from '../../../protocol/control.ts';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { visibleName } from '../../kit/path-name.ts';
import { ErrorNote, ErrorState, LoadingState } from '../../kit/states.tsx';
import { toast } from '../../kit/toast.tsx';
import { useFormat } from '../../language/format.ts';
import { useLoad } from '../../store/use-load.ts';
import { PasswordDialog } from './password-dialog.tsx';
import { Section } from './section.tsx';

type Device = ControlResult<'devices.list'>['devices'][number];

export function DevicesPage(): ReactNode {
  const { t } = useTranslation();
  const [revoking, setRevoking] = useState<Device | null>(null);
  const { data, error, reload } = useLoad('devices', (signal) => engine.call('devices.list', {}, { signal }));
  if (data === null) return error === null ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  // This one first, then by when they were heard.
  const active = data.devices
    .filter((device) => !device.revoked)
    .sort((a, b) => Number(b.current) - Number(a.current) || (b.lastHeardMs ?? 0) - (a.lastHeardMs ?? 0));
  const revoked = data.devices.filter((device) => device.revoked);
  return (
    <div className="stack-wide">
      <Section title={t('settings.devices.title')} about={t('settings.devices.about')}>
        {error !== null && <ErrorNote error={error} />}
        <ul className="card rows">
          {active.map((device) => (
            <DeviceRow key={device.id} device={device} onRevoke={() => setRevoking(device)} />
          ))}
        </ul>
      </Section>
      {revoked.length > 0 && (
        <Section title={t('settings.devices.revokedTitle')} about={t('settings.devices.revokedAbout')}>
          <ul className="card rows">
            {revoked.map((device) => (
              <DeviceRow key={device.id} device={device} onRevoke={null} />
            ))}
          </ul>
        </Section>
      )}
      {revoking !== null && (
        <PasswordDialog
          title={t('settings.devices.revokeTitle', { name: visibleName(revoking.name) })}
          confirmLabel={t('settings.devices.revoke')}
          isDanger
          onClose={() => setRevoking(null)}
          onConfirm={async (password) => {
            await engine.call('devices.revoke', { id: revoking.id, password });
            toast(t('settings.devices.revoked', { name: visibleName(revoking.name) }));
            reload();
          }}
        >
          <p>{t('settings.devices.revokeAbout')}</p>
        </PasswordDialog>
      )}
    </div>
  );
}

function DeviceRow({
  device,
  onRevoke,
}: {
  readonly device: Device;
  readonly onRevoke: (() => void) | null;
}): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const name = visibleName(device.name);
  const heard =
    device.lastHeardMs === null
      ? t('settings.devices.neverHeard')
      : t('settings.devices.heard', { time: format.relative(device.lastHeardMs) });
  return (
    <li className="rows-row">
      <Monitor size={20} aria-hidden="true" className="rows-icon" />
      <div className="rows-words">
        <p>
          <strong>{name}</strong>
          {device.current && <span className="tag">{t('settings.devices.current')}</span>}
        </p>
        <p className="soft small">{device.current ? t('settings.devices.connected') : heard}</p>
      </div>
      {onRevoke !== null && !device.current && (
        <Button size="small" label={t('settings.devices.revokeOf', { name })} onPress={onRevoke}>
          {t('settings.devices.revoke')}
        </Button>
      )}
    </li>
  );
}
