/** What a set of measurements says: quantiles, and whether two sets tell their kinds apart. */

/** The least value that at least this share of all is no greater than (nearest rank). NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export interface RankSum {
  /** How often a value of the first set is above one of the second, equal ones counted half: 0.5 tells nothing. */
  readonly above: number;
  /** Two-sided, by the normal approximation: how often chance alone would make as much of a difference. */
  readonly p: number;
}

/** Mann and Whitney's test. For sets of twenty and more. */
export function rankSum(first: readonly number[], second: readonly number[]): RankSum {
  const all = [...first.map((value) => ({ value, isFirst: true })), ...second.map(asSecond)];
  all.sort((a, b) => a.value - b.value);
  let ranks = 0;
  let ties = 0;
  for (let from = 0; from < all.length;) {
    let to = from;
    while (to < all.length && all[to]?.value === all[from]?.value) to += 1;
    // Equal values share the mean of their ranks.
    const rank = (from + to + 1) / 2;
    ranks += all.slice(from, to).filter(({ isFirst }) => isFirst).length * rank;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const [n, m] = [first.length, second.length];
  const count = n + m;
  const u = ranks - (n * (n + 1)) / 2;
  const spread = Math.sqrt(((n * m) / 12) * (count + 1 - ties / (count * (count - 1))));
  const z = spread === 0 ? 0 : Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / spread;
  return { above: u / (n * m), p: 2 * (1 - normal(z)) };
}

const asSecond = (value: number): { value: number; isFirst: boolean } => ({ value, isFirst: false });

/** The normal distribution's share below z, for z from 0 on; good to 7.5e-8 (Abramowitz and Stegun 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const sum =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
