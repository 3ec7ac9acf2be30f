import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentId, inLog, nodeId, onDisk, sample } from '../../test/fakes/sample-manifest.ts';
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { reportSchema, type Report } from '../../protocol/report.ts';
import { POSIX_CAPABILITIES, type Capabilities } from '../local-fs/capabilities.ts';
import { IgnoreRules } from '../local-fs/ignore-rules.ts';
import { nameKey } from '../local-fs/path-rules.ts';
import type { Operation } from '../plan/operation.ts';
import type { NodeState } from '../plan/tree.ts';
import { Books } from './books.ts';
import { issueText } from './issue-codes.ts';
import { PlanTrace } from './plan-trace.ts';
import { Redaction, rounded, roundedSize } from './redaction.ts';
import { makeReport } from './report.ts';
import type { ReportedSync } from './report-pair.ts';

const NOW_MS = 1_800_000_000_000;
const RUNS = Number(process.env['REPORT_RUNS'] ?? 100);
const { signal } = new AbortController();
const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0, sleep: () => Promise.resolve() };

/** A pair as the report reads it, at rest. */
function pairOf(capabilities: Partial<Capabilities> = {}) {
  const { manifest, vault, pair } = sample();
  const rules = new IgnoreRules();
  const trace = new PlanTrace(clock);
  const sync: ReportedSync = {
    pair,
    books: new Books(pair, vault),
    vault: {
      vault: vault.id,
      log: { cursor: () => ({ seq: 712_345, highSeq: 712_347 }) },
      commits: { size: 0, has: () => false },
      stopped: null,
    },
    disk: { capabilities: { ...POSIX_CAPABILITIES, ...capabilities } },
    observer: { rules, hasHints: false },
    trace,
    ingest: { has: () => false },
    fetch: { has: () => false },
    paused: null,
    isSettled: true,
    busy: false,
    isHolding: false,
  };
  return { manifest, vault, pair, rules, trace, sync };
}

async function reportOf(
  { manifest, sync }: Pick<ReturnType<typeof pairOf>, 'manifest' | 'sync'>,
  maxBytes?: number,
): Promise<{ report: Report; text: string }> {
  const source = {
    pairs: [sync],
    issues: manifest.issues(),
    state: 'idle',
    counters: { scans: 123_456, plans: 7 },
    program: { version: '0.1.0', startedAtMs: NOW_MS - 12_345_678 },
    nowMs: NOW_MS,
    random: { bytes: () => new Uint8Array(), fraction: () => Math.random() },
  };
  return makeReport(source, signal, maxBytes);
}

/** Words that no field of a report is made of. */
const word = fc
  .array(fc.constantFrom('q', 'x', 'z', 'J', 'K', 'v', 'W', '\u00e9', 'e\u0301'), {
    minLength: 5,
    maxLength: 10,
  })
  .map((letters) => letters.join(''));
const secretName = fc
  .tuple(word, fc.constantFrom('', ' ', '.', '~$', ':'), fc.option(word))
  .map(([one, between, other]) => (other === null ? one : `${one}${between}${other}`));

const secretNode = fc.record({
  name: secretName,
  type: fc.constantFrom('file' as const, 'folder' as const, 'symlink' as const),
  size: fc.integer({ min: 100_001, max: 2 ** 40 }).filter((size) => !Number.isInteger(Math.log2(size))),
  content: word,
  mtimeUs: fc.integer({ min: 1_500_000_000_000_001, max: 1_799_999_999_999_999 }),
  above: fc.nat({ max: 5 }),
  trees: fc.subarray(['remote', 'local', 'synced'] as const, { minLength: 1 }),
  isDirty: fc.boolean(),
  other: secretName,
});

describe('a bug report', () => {
  it('holds no name, content, id, exact size or time, e-mail, address or path', async () => {
    const secrets = fc.record({
      nodes: fc.array(secretNode, { minLength: 1, maxLength: 12 }),
      texts: fc.array(word, { minLength: 3, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(secrets, async ({ nodes, texts: [email = '', server = '', why = ''] }) => {
        const at = pairOf();
        const { manifest, vault, pair, trace } = at;
        const hidden = new Set<string>([vault.id, pair.config.id, pair.config.folder, '712345', '712347']);
        const folders: NodeId[] = [ROOT_NODE];
        const operations: Operation[] = [];
        for (const [index, node] of nodes.entries()) {
          const id = nodeId(`${index} ${node.name}`);
          const content = contentId(node.content);
          const isFile = node.type === 'file';
          const state: NodeState = {
            id,
            parent: folders[node.above % folders.length] ?? ROOT_NODE,
            name: `${node.name}${index}`,
            type: node.type,
            mode: 0o640,
            mtimeUs: isFile ? node.mtimeUs : 0,
            size: node.type === 'folder' ? 0 : node.size,
            content: node.type === 'folder' ? null : content,
          };
          for (const part of [id, content, node.content, ...node.name.split(/[ .~$:]+/)]) hidden.add(part);
          for (const part of node.other.split(/[ .~$:]+/)) hidden.add(part);
          if (isFile) for (const unit of [1, 1e3, 1e6]) hidden.add(`${Math.floor(node.mtimeUs / unit)}`);
          if (node.type !== 'folder') hidden.add(`${node.size}`);
          if (node.trees.includes('remote')) vault.putRemote(inLog(state, { revision: 712_345 }));
          if (node.trees.includes('local'))
            pair.putLocal(onDisk(state, { localName: `${node.other}${index}` }));
          if (node.trees.includes('synced')) pair.putSynced({ ...state, name: `${node.other}${index}` });
          if (node.isDirty) pair.markDirty(id);
          if (node.type === 'folder' && node.trees.includes('remote')) folders.push(id);
          const { ways } = issueText('conflict');
          const path = `/home/${why}/${node.name}`;
          manifest.raiseIssue({
            pair: pair.config.id,
            node: id,
            code: 'conflict',
            path,
            reason: `${email}@${server}`,
            ways,
            sinceMs: 5,
          });
          operations.push({ kind: 'put', id, state, reason: 'created-here' });
          operations.push({ kind: 'conflict', id, name: node.other, reason: 'both-edited' });
        }
        for (const text of [email, server, why]) hidden.add(text);
        trace.planned({ asked: 3, clean: 0, operations, allowed: operations });
        trace.heard(nodeId(`0 ${nodes[0]?.name ?? ''}`), 'done: upload');
        const { report, text } = await reportOf(at);
        expect(reportSchema.parse(report)).toEqual(report);
        expect(text).toMatch(/^[\x20-\x7e]*\n$/);
        const folded = text.toLowerCase();
        for (const secret of hidden) {
          if (secret === '') continue;
          for (const form of ['NFC', 'NFD'])
            expect(folded).not.toContain(secret.normalize(form).toLowerCase());
          // Nor a part of an id.
          if (/^[0-9a-f]{16,}$/.test(secret)) expect(folded).not.toContain(secret.slice(4, 14));
        }
        manifest.close();
      }),
      { numRuns: RUNS },
    );
  });

  it('has each node of the three trees, where they differ and what waits', async () => {
    const at = pairOf();
    const { vault, pair, manifest, rules } = at;
    const put = (state: NodeState): void => {
      vault.putRemote(inLog(state));
      pair.putLocal(onDisk(state));
      pair.putSynced(state);
    };
    const state = (name: string, more: Partial<NodeState> = {}): NodeState => ({
      id: nodeId(name),
      parent: ROOT_NODE,
      name,
      type: 'file',
      mode: 0o644,
      mtimeUs: (NOW_MS - 7000) * 1000,
      size: 100,
      content: contentId(name),
      ...more,
    });
    put(state('folder', { type: 'folder', mode: 0o755, mtimeUs: 0, size: 0, content: null }));
    put(state('same', { parent: nodeId('folder') }));
    put(state('twin', { content: contentId('same') }));
    put(state('other'));
    pair.putLocal(onDisk(state('other', { mode: 0o600, size: 101, mtimeUs: (NOW_MS - 7000) * 1000 + 1 })));
    put(state('waiting'));
    pair.markDirty(nodeId('waiting'));
    pair.quarantine(nodeId('waiting'), NOW_MS + 3000);
    pair.markUnsettled(nodeId('waiting'), null);
    vault.putRemote(inLog(state('away')));
    pair.deselect(nodeId('away'), true);
    vault.putRemote(inLog(state('no.tmp')));
    rules.setFile('', '*.tmp');
    put(state('gone'));
    pair.deleteLocal(nodeId('gone'));
    vault.putRemote(inLog(state('gone', { parent: TRASH_NODE })));
    const { report } = await reportOf(at);
    const [reported] = report.pairs;
    if (reported === undefined) throw new Error('there is a pair');
    type Node = (typeof reported.nodes)[number];
    const facts: Readonly<Record<string, (node: Node) => boolean>> = {
      folder: ({ remote }) => remote?.type === 'folder',
      same: ({ remote }) => typeof remote?.parent === 'number',
      other: ({ local }) => typeof local === 'object' && local?.mode === '600',
      waiting: ({ dirty }) => dirty === true,
      away: ({ deselected }) => deselected === true,
      'no.tmp': ({ excluded }) => excluded === 'ignored',
      gone: ({ remote }) => remote?.parent === 'trash',
      twin: ({ remote, local, dirty }) =>
        local === 'remote' && remote?.parent === 'root' && remote.type === 'file' && dirty === undefined,
    };
    const byName = new Map(
      Object.entries(facts).map(([name, is]) => {
        const nodes = reported.nodes.filter(is);
        expect([name, nodes.length]).toEqual([name, 1]);
        return [name, nodes[0]];
      }),
    );
    expect(reported.nodes).toHaveLength(8);
    const [same, twin, other, waiting] = ['same', 'twin', 'other', 'waiting'].map((name) => byName.get(name));
    expect(same?.remote?.content).toBe(twin?.remote?.content);
    expect(same?.remote?.parent).toBe(byName.get('folder')?.id);
    expect(same).toMatchObject({ local: 'remote', synced: 'remote' });
    expect(other).toMatchObject({
      remote: { size: 128 },
      local: { size: 128, sizeVariant: 1, modifiedVariant: 1 },
    });
    expect(other?.synced).toBe('remote');
    expect(waiting).toMatchObject({ dirty: true, unsettled: true, waits: { attempts: 1, forS: 3 } });
    expect(byName.get('away')).toMatchObject({ local: null, excluded: 'deselected' });
    expect(byName.get('gone')).toMatchObject({ local: null, synced: { parent: 'root' } });
    expect(reported.counts).toEqual({ local: 5, syncedFiles: 5, dirty: 1 });
    expect(reported.commitsBehind).toBe(2);
    expect(report.counters).toEqual({ scans: 120_000, plans: 7 });
    manifest.close();
  });

  it('leaves out what is in sync first, and stays within its size', async () => {
    const at = pairOf();
    const { vault, pair, manifest } = at;
    manifest.transaction(() => {
      for (let index = 0; index < 3000; index += 1) {
        const state: NodeState = {
          ...{ id: nodeId(`${index}`), parent: ROOT_NODE, name: `n ${index}`, type: 'file', mode: 0o644 },
          ...{ mtimeUs: 1e15 + index, size: index, content: contentId(`${index}`) },
        };
        vault.putRemote(inLog(state));
        pair.putLocal(onDisk(state));
        pair.putSynced(state);
      }
    });
    pair.markDirty(nodeId('2999'));
    pair.putLocal(onDisk({ ...pair.local.get(nodeId('7'))!, mode: 0o600 }));
    const { report, text } = await reportOf(at, 100_000);
    expect(text.length).toBeLessThanOrEqual(100_000);
    const [reported] = report.pairs;
    expect(reported?.nodes.filter(({ dirty }) => dirty === true)).toHaveLength(1);
    expect(reported?.nodes.filter(({ local }) => local !== 'remote')).toHaveLength(1);
    expect((reported?.nodes.length ?? 0) + (reported?.leftOut ?? 0)).toBe(3000);
    expect(reported?.counts.local).toBe(3000);
    manifest.close();
  });
});

describe('a redacted name', () => {
  const names = fc.array(
    fc
      .array(fc.constantFrom('a', 'A', '\u00e9', 'e\u0301', '\u00c9', 'b', '.'), {
        minLength: 1,
        maxLength: 4,
      })
      .map((letters) => letters.join('')),
    { minLength: 2, maxLength: 10 },
  );

  it('is the same, or the same but for case or composition, exactly when the names were', () => {
    fc.assert(
      fc.property(names, (some) => {
        const redaction = new Redaction(POSIX_CAPABILITIES, ROOT_NODE, NOW_MS);
        const indexes = some.map((name) => redaction.name(name));
        const key = (name: string, caseSensitive: boolean, unicodeSensitive: boolean): string =>
          nameKey(name, { ...POSIX_CAPABILITIES, caseSensitive, unicodeSensitive });
        for (const [one, first] of some.entries())
          for (const [other, second] of some.entries()) {
            const [left, right] = [redaction.names[indexes[one] ?? 0], redaction.names[indexes[other] ?? 0]];
            expect(indexes[one] === indexes[other]).toBe(first === second);
            expect(left?.group === right?.group).toBe(key(first, false, false) === key(second, false, false));
            const isSpelledAlike = left?.group === right?.group && left?.spelling === right?.spelling;
            expect(isSpelledAlike).toBe(key(first, true, false) === key(second, true, false));
            if (isSpelledAlike) expect(left?.form === right?.form).toBe(first === second);
          }
      }),
      { numRuns: RUNS },
    );
  });

  it('says what a disk or a planner may see in it', () => {
    const windows = { caseSensitive: false, illegal: ':?', windowsNames: true };
    const redaction = new Redaction({ ...POSIX_CAPABILITIES, ...windows }, ROOT_NODE, NOW_MS);
    const told = (name: string) => {
      const { kind, traits } = redaction.names[redaction.name(name)]!;
      return [kind, ...traits].join(' ');
    };
    expect(told('holiday.JPG')).toBe('picture');
    expect(told('what?.txt')).toBe('text impossible');
    expect(told('NUL')).toBe('none impossible device');
    expect(told('end.')).toBe('none impossible trailing');
    expect(told('.profile')).toBe('none hidden');
    expect(told('Thumbs.db')).toBe('other built-in');
    expect(told('.coffreignore')).toBe('none hidden ignore-file');
    expect(told('a (conflict, Desk, 2026-01-02).odt')).toBe('document conflict');
    expect(told(`caf\u00e9${'x'.repeat(200)}`)).toBe('none long not-ascii');
    expect(told('a\uff05(2).txt')).toContain('alias');
  });
});

describe('numbers', () => {
  it('are rounded', () => {
    expect([0, 1, 64, 65, 1_000_000].map(roundedSize)).toEqual([0, 64, 64, 128, 1_048_576]);
    expect([0, 7, 99, 101, 123_456, -45_678].map(rounded)).toEqual([0, 7, 99, 100, 120_000, -45_000]);
  });
});

describe('the trace of plans', () => {
  const settle = (id: string): Operation => ({ kind: 'settle', id: nodeId(id), reason: 'both-same' });

  it('keeps the last, and of each operation what came of it', () => {
    const trace = new PlanTrace(clock);
    for (let plan = 0; plan < 60; plan += 1) {
      const operations = [settle('a'), settle(`b${plan}`)];
      trace.planned({ asked: 2, clean: 0, operations, allowed: operations.slice(0, 1) });
      trace.heard(nodeId('a'), `done: ${plan}`);
      trace.heard(nodeId('a'), 'ended');
      trace.heard(nodeId(`b${plan - 1}`), 'settled');
    }
    expect(trace.plans).toHaveLength(50);
    const [newest, older] = trace.plans;
    expect(newest?.operations.map(({ outcome, held }) => [outcome, held])).toEqual([
      ['done: 59', false],
      [null, true],
    ]);
    expect(older?.operations[1]?.outcome).toBe('settled');
  });

  it('is bounded, however large the plans are', () => {
    const trace = new PlanTrace(clock);
    const operations = Array.from({ length: 5000 }, (_, index) => settle(`${index}`));
    for (let plan = 0; plan < 40; plan += 1)
      trace.planned({ asked: 5000, clean: 1, operations, allowed: operations });
    const kept = trace.plans.reduce((sum, plan) => sum + plan.operations.length, 0);
    expect(kept).toBe(2000);
    expect(trace.plans[0]?.more).toBe(4800);
  });
});
