import type { ReactNode } from 'react';
import { Label, ProgressBar } from 'react-aria-components';
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
