import type { ReactNode } from 'react';
import { Label, ProgressBar } from 'react-aria-components';
import type { Progress as CallProgress } from '../../protocol/control-shapes.ts';
import './progress.css';

/** `part` null: it runs and nobody knows how long. */
export function Progress(props: {
  readonly label: string;
  readonly part: number | null;
  /** In words, at the end of the label's line. */
  readonly detail?: string;
  readonly isLabelHidden?: boolean;
}): ReactNode {
  const { label, part, detail } = props;
  return (
    <ProgressBar
      className="progress"
      isIndeterminate={part === null}
      value={part === null ? 0 : part * 100}
      {...(props.isLabelHidden === true ? { 'aria-label': label } : {})}
    >
      {({ percentage }) => (
        <>
          {props.isLabelHidden !== true && (
            <span className="progress-line">
              <Label>{label}</Label>
              {detail !== undefined && <span className="soft figures">{detail}</span>}
            </span>
          )}
          <span className="progress-track">
            <span
              className="progress-fill"
              data-indeterminate={part === null ? '' : undefined}
              style={{ width: part === null ? '35%' : `${percentage ?? 0}%` }}
            />
          </span>
        </>
      )}
    </ProgressBar>
  );
}

/** Of a call's progress; null while its end is not known. */
export function progressPart(progress: CallProgress | null): number | null {
  const total = progress?.total ?? 0;
  return progress === null || total === 0 ? null : Math.min(1, progress.done / total);
}
