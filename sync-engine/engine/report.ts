/** A bug report of an engine, bounded in size. What it may say is the schema in protocol/report.ts, and no more. */
import type { NodeId } from '../../protocol/ids.ts';
import { REPORT_FORMAT, REPORT_VERSION, type Report } from '../../protocol/report.ts';
import type { IssueRow, PairId } from '../manifest/manifest.ts';
import type { RandomSource } from './ports.ts';
import { rounded } from './redaction.ts';
import { reportPair, type ReportedSync, type ReportedWith } from './report-pair.ts';

const MAX_BYTES = 8 * 1024 * 1024;
/** Over all pairs. */
const MAX_NODES = 20_000;
const MAX_ISSUES = 1000;

const ABOUT =
  'A bug report of Coffre. Names, contents and ids are replaced by numbers, sizes and times are rounded; ' +
  'docs/report.md tells every field. Look at it before you send it to anyone.';

export interface ReportSource {
  readonly pairs: readonly ReportedSync[];
  readonly issues: readonly IssueRow[];
  readonly state: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly program: { readonly version: string; readonly startedAtMs: number };
  readonly nowMs: number;
  readonly random: RandomSource;
}

/** @param maxBytes of the report as text; nodes are left out until it fits */
export async function makeReport(
  source: ReportSource,
  signal: AbortSignal,
  maxBytes = MAX_BYTES,
): Promise<{ report: Report; text: string }> {
  for (let maxNodes = MAX_NODES; ; maxNodes = Math.floor(maxNodes / 2)) {
    const report = await reportWith(source, maxNodes, signal);
    const text = `${JSON.stringify(report)}\n`;
    if (text.length <= maxBytes || maxNodes === 0) return { report, text };
  }
}

async function reportWith(source: ReportSource, maxNodes: number, signal: AbortSignal): Promise<Report> {
  const { pairs, issues, state, counters, program, nowMs, random } = source;
  const parts = new Map<PairId, ReportedWith>();
  const vaults = [...new Set(pairs.map(({ vault }) => vault.vault))];
  for (const sync of pairs) {
    const { id } = sync.pair.config;
    const named = issues.flatMap(({ pair, node }) => (pair === id && node !== null ? [node] : []));
    const part = await reportPair({
      sync,
      id: parts.size + 1,
      vault: vaults.indexOf(sync.vault.vault) + 1,
      named,
      nowMs,
      maxNodes: Math.floor(maxNodes / pairs.length),
      random,
      signal,
    });
    parts.set(id, part);
  }
  return {
    format: REPORT_FORMAT,
    version: REPORT_VERSION,
    about: ABOUT,
    program: {
      version: program.version,
      platform: process.platform,
      arch: process.arch,
      node: process.versions.node,
      electron: 'electron' in process.versions,
      startedAgoS: rounded(Math.trunc((nowMs - program.startedAtMs) / 1000)),
    },
    state,
    counters: Object.fromEntries(Object.entries(counters).map(([name, value]) => [name, rounded(value)])),
    issues: issues.slice(0, MAX_ISSUES).map((issue) => ({
      code: issue.code,
      ...placeOf(issue, parts),
      sinceS: rounded(Math.trunc((nowMs - issue.sinceMs) / 1000)),
      ways: [...issue.ways],
    })),
    issuesLeftOut: Math.max(0, issues.length - MAX_ISSUES),
    pairs: [...parts.values()].map(({ pair }) => pair),
  };
}

function placeOf(
  { pair, node }: { readonly pair: PairId | null; readonly node: NodeId | null },
  parts: ReadonlyMap<PairId, ReportedWith>,
): { pair: number | null; node: number | null } {
  const part = pair === null ? undefined : parts.get(pair);
  if (part === undefined) return { pair: null, node: null };
  return { pair: part.pair.id, node: node === null ? null : part.number(node) };
}
