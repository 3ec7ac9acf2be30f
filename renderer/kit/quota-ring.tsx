import type { ReactNode } from 'react';
import './quota-ring.css';

export interface RingPart {
  readonly id: string;
  /** A custom property of tokens.css. */
  readonly colour: string;
  readonly value: number;
}

const SIZE = 120;

/** A picture only: the same figures stand in words beside it. */
export function QuotaRing(props: {
  readonly parts: readonly RingPart[];
  readonly total: number;
  readonly size?: number;
  readonly thickness?: number;
  readonly children?: ReactNode;
}): ReactNode {
  const { size = SIZE, thickness = 12, total } = props;
  const radius = (size - thickness) / 2;
  const round = 2 * Math.PI * radius;
  const share = (value: number): number => (total <= 0 ? 0 : Math.min(1, value / total));
  const arcs = props.parts.map((part, index) => {
    const before = props.parts.slice(0, index).reduce((sum, one) => sum + one.value, 0);
    const offset = share(before);
    return { ...part, offset, share: Math.min(1 - offset, share(part.value)) };
  });
  const middle = size / 2;
  return (
    <div className="quota-ring" style={{ width: size, height: size }}>
      <svg width={size} height={size} viewBox={`0 0 ${size} ${size}`} aria-hidden="true">
        <circle className="quota-ring-rest" cx={middle} cy={middle} r={radius} strokeWidth={thickness} />
        {arcs.map((arc) =>
          arc.share <= 0 ? null : (
            <circle
              key={arc.id}
              cx={middle}
              cy={middle}
              r={radius}
              strokeWidth={thickness}
              stroke={`var(${arc.colour})`}
              fill="none"
              // At least a dot: a little is not nothing.
              strokeDasharray={`${Math.max(arc.share * round, 1.5)} ${round}`}
              transform={`rotate(${arc.offset * 360 - 90} ${middle} ${middle})`}
            />
          ),
        )}
      </svg>
      {props.children !== undefined && <div className="quota-ring-words">{props.children}</div>}
    </div>
  );
}
