import { useState, type ReactNode } from 'react';
import { Group, Input, NumberField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Select, Switch } from '../../kit/choice.tsx';
import { FieldLabel } from '../../kit/field.tsx';
import { ErrorNote, ErrorState, LoadingState } from '../../kit/states.tsx';
import { useCall } from '../../store/use-call.ts';
import { useLoad } from '../../store/use-load.ts';
import { Section } from './section.tsx';
import { speedUnits, toBytes, toSpeed, type Speed } from './speed.ts';

export function NetworkPage(): ReactNode {
  const { t } = useTranslation();
  const { data, error, reload } = useLoad('config', (signal) => engine.call('config.get', {}, { signal }));
  if (data === null) return error === null ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  return (
    <Section title={t('settings.network.title')} about={t('settings.network.about')}>
      <div className="card stack">
        <Limit
          which="upload-limit"
          label={t('settings.network.upload')}
          saved={Number(data.values['upload-limit'] ?? 0)}
        />
        <Limit
          which="download-limit"
          label={t('settings.network.download')}
          saved={Number(data.values['download-limit'] ?? 0)}
        />
      </div>
    </Section>
  );
}

function Limit(props: {
  readonly which: 'upload-limit' | 'download-limit';
  readonly label: string;
  readonly saved: number;
}): ReactNode {
  const { which, label } = props;
  const { t } = useTranslation();
  const [isOn, setOn] = useState(props.saved > 0);
  const [speed, setSpeed] = useState<Speed>(() => toSpeed(props.saved));
  const save = useCall((options, value: number) => engine.call('config.set', { key: which, value }, options));
  const change = (on: boolean, to: Speed): void => {
    setOn(on);
    setSpeed(to);
    void save.run(on ? toBytes(to) : 0);
  };
  return (
    <div className="stack-tight">
      <Switch isSelected={isOn} onChange={(on) => change(on, speed)}>
        {label}
      </Switch>
      {isOn && (
        <div className="limit">
          <NumberField
            className="field limit-value"
            value={speed.value}
            minValue={0.01}
            onChange={(value) => !Number.isNaN(value) && change(true, { ...speed, value })}
          >
            <FieldLabel>{t('settings.network.atMost')}</FieldLabel>
            <Group className="input-group">
              <Input className="input figures" />
            </Group>
          </NumberField>
          <Select
            label={t('settings.network.unit')}
            value={speed.unit}
            onChange={(unit) => change(true, { ...speed, unit })}
            options={speedUnits.map((unit) => ({ value: unit, label: t(`settings.network.units.${unit}`) }))}
          />
        </div>
      )}
      {save.error !== null && <ErrorNote error={save.error} />}
    </div>
  );
}
