/** A slider over the days on which something changed, and the hour of the day: the moment a folder is shown at. */
import { useEffect, useId, useMemo, useState, type ReactNode } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { IconButton } from '../../kit/button.tsx';
import { EmptyState, ErrorNote, LoadingState } from '../../kit/states.tsx';
import { useFormat } from '../../language/format.ts';
import { useLoad } from '../../store/use-load.ts';
import { placeText, type Place } from './account-path.ts';
import { momentOf, type Timeline } from './moment.ts';

/** So that a slider drawn across a month asks for one listing and not for thirty. */
const REST_MS = 250;

export function TimeTravel(props: {
  readonly place: Place;
  /** Null: now. */
  readonly atMs: number | null;
  readonly onChange: (atMs: number | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const path = placeText({ vault: props.place.vault, steps: [] });
  const timeline = useLoad(path, (signal) => engine.call('timeline', { path }, { signal }));
  if (timeline.data === null) {
    return (
      <section className="card time-travel" aria-label={t('history.time.name')}>
        {timeline.error === null ? <LoadingState /> : <ErrorNote error={timeline.error} />}
      </section>
    );
  }
  if (timeline.data.days.length === 0) {
    return (
      <section className="card time-travel" aria-label={t('history.time.name')}>
        <EmptyState title={t('history.time.none')} />
      </section>
    );
  }
  return <DaySlider timeline={timeline.data} onChange={props.onChange} />;
}

function DaySlider(props: {
  readonly timeline: Timeline;
  readonly onChange: (atMs: number | null) => void;
}): ReactNode {
  const { timeline, onChange } = props;
  const { days } = timeline;
  const { t } = useTranslation();
  const format = useFormat();
  const id = useId();
  /** `days.length`: now. */
  const [index, setIndex] = useState(days.length);
  /** `HH:MM`, or empty for the end of the day. */
  const [time, setTime] = useState('');
  const day = days[index];
  const moment = day === undefined ? null : momentOf(timeline, day.dayStartMs, time);

  useEffect(() => {
    const timer = window.setTimeout(() => onChange(moment), REST_MS);
    return () => window.clearTimeout(timer);
  }, [moment, onChange]);

  const most = useMemo(() => Math.max(...days.map((one) => one.changes)), [days]);
  const words =
    day === undefined
      ? t('history.time.now')
      : t('history.time.day', {
          date: format.date(day.dayStartMs),
          changes: t('history.time.changes', { count: day.changes }),
        });
  const move = (by: number): void => setIndex((old) => Math.min(days.length, Math.max(0, old + by)));
  return (
    <section className="card time-travel" aria-label={t('history.time.name')}>
      <div className="time-head">
        <label htmlFor={id} className="field-label">
          {t('history.time.label')}
        </label>
        <output htmlFor={id} className="time-words figures">
          {words}
        </output>
      </div>
      <div className="time-row">
        <IconButton
          size="small"
          label={t('history.time.earlier')}
          icon={<ChevronLeft size={16} aria-hidden="true" />}
          isDisabled={index === 0}
          onPress={() => move(-1)}
        />
        <div className="time-slider">
          <svg
            className="time-bars"
            viewBox={`0 0 ${days.length + 1} 20`}
            preserveAspectRatio="none"
            aria-hidden="true"
          >
            {days.map((one, at) => {
              const height = 2 + 18 * Math.sqrt(one.changes / most);
              return (
                <rect
                  key={one.dayStartMs}
                  x={at + 0.2}
                  width={0.6}
                  y={20 - height}
                  height={height}
                  data-chosen={at === index ? '' : undefined}
                />
              );
            })}
          </svg>
          <input
            id={id}
            type="range"
            className="time-range"
            min={0}
            max={days.length}
            step={1}
            value={index}
            aria-valuetext={words}
            onChange={(event) => setIndex(Number(event.target.value))}
          />
          <div className="time-ends soft small figures" aria-hidden="true">
            <span>{format.date(days[0]?.dayStartMs ?? timeline.firstMs)}</span>
            <span>{t('history.time.now')}</span>
          </div>
        </div>
        <IconButton
          size="small"
          label={t('history.time.later')}
          icon={<ChevronRight size={16} aria-hidden="true" />}
          isDisabled={index === days.length}
          onPress={() => move(1)}
        />
        <TextField
          className="time-hour"
          value={time}
          onChange={setTime}
          type="time"
          isDisabled={day === undefined}
        >
          <Label className="field-about">{t('history.time.hour')}</Label>
          <Input className="input" />
        </TextField>
      </div>
    </section>
  );
}
