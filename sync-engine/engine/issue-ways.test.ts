import { afterEach, describe, expect, it } from 'vitest';
import type { NodeId, VaultId } from '../../protocol/ids.ts';
import { IgnoreRules } from '../local-fs/ignore-rules.ts';
import { openManifest } from '../manifest/open.ts';
import { SimDisk } from '../../test/fakes/sim-disk.ts';
import { IssueBoard } from './issue-board.ts';
import { ISSUE_CODES, isNotice, issueText } from './issue-codes.ts';
import { ignoreRule, IssueWays, type PairRunWays } from './issue-ways.ts';

const VAULT = 'a'.repeat(32) as VaultId;
const NODE = 'b'.repeat(32) as NodeId;
const PAIR = 'c'.repeat(16);

/** The engine's parts as the ways see them: each writes down that it was asked. */
function world() {
  const done: string[] = [];
  const disk = new SimDisk();
  disk.makeFolder('/folder', 0o755);
  const manifest = openManifest(':memory:');
  manifest.addVault(VAULT);
  const config = { id: PAIR, folder: '/folder', vault: VAULT, bound: NODE };
  manifest.addPair(config);
  const clock = { nowMs: () => 1, monotonicMs: () => 1, sleep: () => Promise.resolve() };
  const issues = new IssueBoard(manifest, clock, () => undefined);
  const note = (what: string) => (): void => {
    done.push(what);
  };
  const run: PairRunWays = {
    record: { config, marker: { version: 1, pair: PAIR, account: 'd', device: 'e', random: 'f' } as never },
    sync: {
      pair: { release: note('released'), markDirty: note('planned again') },
      decideRemoval: (way) => void done.push(`removal: ${way}`),
      chooseVersion: (_copy, way) => {
        done.push(`version: ${way}`);
        return Promise.resolve();
      },
    },
    lookAnew: note('scanned'),
  };
  const ways = new IssueWays({
    disk,
    issues,
    quota: { retryNow: note('quota asked') },
    vaults: {
      rejoin: () => {
        done.push('rejoined');
        return Promise.resolve();
      },
      retryStopped: note('logs read'),
    },
    pairs: new Map([[PAIR, run]]),
    addIgnoreRule: (folder, rule) => {
      done.push(`${folder}: ${rule}`);
      return Promise.resolve();
    },
    removePair: (id) => {
      done.push(`removed: ${id}`);
      return Promise.resolve();
    },
  });
  const isMarked = (): boolean => disk.lstat('/folder/.coffre') !== null;
  return { manifest, issues, ways, done, isMarked };
}

describe('the ways out of an issue', () => {
  let open: ReturnType<typeof world>['manifest'] | null = null;
  afterEach(() => {
    open?.close();
    open = null;
  });

  const offered = ISSUE_CODES.flatMap((code) => issueText(code).ways.map((way) => [code, way] as const));

  it.each(offered)('%s: %s does something', async (code, way) => {
    const { manifest, issues, ways, done, isMarked } = world();
    open = manifest;
    issues.raise(PAIR, NODE, code, 'a/file');
    const [issue] = issues.all();
    if (issue === undefined) throw new Error('it was raised');
    if (way === 'login-again') {
      await expect(ways.resolve(issue.id, way)).rejects.toMatchObject({
        code: 'signed-out',
        hint: expect.stringContaining('coffre login') as string,
      });
      return;
    }
    await ways.resolve(issue.id, way);
    // Either it is no longer said, or whoever has it was told what to do.
    expect(issues.all().length === 0 || done.length > 0).toBe(true);
    const expected: Partial<Record<typeof way, RegExp>> = {
      retry: /planned again|quota asked/,
      ignore: /^\/folder: \/a\/file$/m,
      'remove-pair': /^removed: /m,
      delete: /removal: delete/,
      restore: /removal: restore/,
      rejoin: /rejoined/,
      'keep-both': /version: keep-both/,
      'keep-original': /version: keep-original/,
      'keep-copy': /version: keep-copy/,
    };
    if (way === 'relink') expect(isMarked()).toBe(true);
    const effect = expected[way];
    if (effect !== undefined) expect(done.join('\n')).toMatch(effect);
  });

  it.each(ISSUE_CODES)('%s: has a way, and refuses every other', async (code) => {
    const { manifest, issues, ways } = world();
    open = manifest;
    issues.raise(PAIR, NODE, code, 'a/file');
    const [issue] = issues.all();
    if (issue === undefined) throw new Error('it was raised');
    expect(issue.ways.length).toBeGreaterThan(0);
    await expect(ways.resolve(issue.id, 'explode')).rejects.toMatchObject({ code: 'bad-input' });
    // What waits for a decision does not go away without one.
    if (code === 'mass-deletion')
      await expect(ways.resolve(issue.id, 'dismiss')).rejects.toMatchObject({ code: 'bad-input' });
    expect(issues.hasObstacles).toBe(!isNotice(code));
  });

  it.each(['plain', 'a [draft]*?', '#tag/!important', 'ends in blanks  ', 'back\\slash', 'ü/é'])(
    'ignores exactly %j',
    (path) => {
      const rules = new IgnoreRules();
      expect(rules.setFile('', `${ignoreRule(path)}\n`)).toBeNull();
      expect(rules.ignores(path, false)).toBe(true);
      expect(rules.ignores(`other/${path}`, false)).toBe(false);
      expect(rules.ignores(`${path}x`, false)).toBe(false);
    },
  );
});
