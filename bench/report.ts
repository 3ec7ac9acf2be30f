/** Rows of figures, and the table they are printed as. */
import type { Floors } from './floors.ts';
import type { Cost } from './world.ts';

export interface Row {
  readonly name: string;
  /** Seconds, unless the name says otherwise. */
  readonly value: number;
  /** The most it should be. */
  readonly target: number | null;
  readonly floors: Floors | null;
  readonly cost: Cost | null;
  readonly note: string;
  /** Of what it was measured, where the same is measured of several: a column of `sideBySide`. */
  readonly side: string | null;
}

export function row(name: string, value: number, more: Partial<Omit<Row, 'name' | 'value'>> = {}): Row {
  return { name, value, target: null, floors: null, cost: null, note: '', side: null, ...more };
}

/** Rows for bytes each way, as the proxies counted them. */
export function trafficNote(cost: Cost): string {
  return `A ${bytes(cost.aUp)} up ${bytes(cost.aDown)} down, B ${bytes(cost.bUp)} up ${bytes(cost.bDown)} down`;
}

const HEADS = [
  'what',
  'figure',
  'target',
  'x cp',
  'x seal',
  'CPU A B server',
  'other load',
  'peak A B server',
];

/** A Markdown table. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ name, value, target, floors, cost, note }) => [
    name,
    figure(value),
    target === null ? '' : `${figure(target)}${value <= target ? '' : ' MISSED'}`,
    floors === null ? '' : `${(value / floors.copy).toFixed(1)} (${floors.copy.toFixed(2)} s)`,
    floors === null ? '' : `${(value / floors.seal).toFixed(1)} (${floors.seal.toFixed(2)} s)`,
    cost === null ? '' : [cost.cpuA, cost.cpuB, cost.cpuServer].map((cpu) => cpu.toFixed(1)).join(' '),
    cost === null ? '' : `${Math.round(cost.otherLoad * 100)} %`,
    cost === null
      ? ''
      : [cost.memoryA, cost.memoryB, cost.memoryServer].map(({ peak }) => bytes(peak)).join(' '),
    note,
  ]);
  return [[...HEADS, 'note'], HEADS.concat('note').map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** A Markdown table with a column for each side; what was not measured of one is empty there. */
export function sideBySide(rows: readonly Row[]): string {
  const sides = [...new Set(rows.map(({ side }) => side ?? ''))];
  const lines = [...Map.groupBy(rows, ({ name }) => name)].map(([name, of]) => {
    const at = sides.map((side) => of.find((one) => (one.side ?? '') === side));
    const target = of.find((one) => one.target !== null)?.target ?? null;
    const missed = target !== null && of.some(({ value }) => value > target);
    return [
      name,
      ...at.map((one) => (one === undefined ? '' : figure(one.value))),
      target === null ? '' : `${figure(target)}${missed ? ' MISSED' : ''}`,
      at
        .flatMap((one) => (one === undefined || one.note === '' ? [] : [`${one.side}: ${one.note}`]))
        .join('; '),
    ];
  });
  const heads = ['what', ...sides, 'target', 'note'];
  return [heads, heads.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 ** 2).toFixed(1)} MiB`;
}
