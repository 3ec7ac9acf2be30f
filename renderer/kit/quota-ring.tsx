import type { ReactNode } from 'react';
import './quota-ring.css';

export interface RingPart {
  readonly id: string;
  /** A custom property of tokens.css. */
  readonly colour: string;
  readonly value: number;
}

const SIZE = 120;
const INNER_THICKNESS = 4;

/** A picture only: the same figures stand in words beside it. */
export function QuotaRing(props: {
  readonly parts: readonly RingPart[];
  readonly total: number;
  /** A thin ring inside, against the same total, for what counts apart. */
  readonly inner?: RingPart;
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
  const innerRadius = radius - thickness / 2 - INNER_THICKNESS - 1;
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
        {props.inner !== undefined && share(props.inner.value) > 0 && (
          <circle
            cx={middle}
            cy={middle}
            r={innerRadius}
            strokeWidth={INNER_THICKNESS}
            stroke={`var(${props.inner.colour})`}
            fill="none"
            strokeLinecap="round"
            strokeDasharray={`${Math.max(share(props.inner.value) * 2 * Math.PI * innerRadius, 1)} 1000`}
            transform={`rotate(-90 ${middle} ${middle})`}
          />
        )}
      </svg>
      {props.children !== undefined && <div className="quota-ring-words">{props.children}</div>}
    </div>
  );
}
