/** A bandwidth limit as a person writes it: a number and a unit, for the bytes per second of the engine. */

export const speedUnits = ['KB', 'MB'] as const;
type SpeedUnit = (typeof speedUnits)[number];
const FACTOR: Readonly<Record<SpeedUnit, number>> = { KB: 1_000, MB: 1_000_000 };

export interface Speed {
  readonly value: number;
  readonly unit: SpeedUnit;
}

export function toBytes({ value, unit }: Speed): number {
  return Math.round(value * FACTOR[unit]);
}

/** In the unit that reads best; 0 (no limit) becomes what a switch proposes when it is turned on. */
export function toSpeed(bytesPerSecond: number): Speed {
  if (bytesPerSecond === 0) return { value: 1, unit: 'MB' };
  const unit = bytesPerSecond >= FACTOR.MB ? 'MB' : 'KB';
  return { value: Math.round((bytesPerSecond / FACTOR[unit]) * 100) / 100, unit };
}
