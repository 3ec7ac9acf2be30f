import { z } from 'zod';
import type { ControlResult } from '../../protocol/control.ts';
import { PersonError } from '../../protocol/errors.ts';
import { command, flag, PASSWORD_STDIN, wholeText } from '../command.ts';
import { confirm } from '../confirm.ts';
import { countText, table, timeText, writeLines } from '../output.ts';

const WHICH = [
  ['--vault <name>', 'the vault of that name; without it, the first'],
  ['--pair <id>', 'the vault of this pair'],
] as const;
const which = { vault: z.string().optional(), pair: z.string().optional() };

/** Of a hash: enough to tell two commits apart by eye. */
const SHORT = 12;
const MOST_HEADS = 500;

export const vaultLog = command({
  name: 'vault log',
  about: 'lists the commits of a vault as this device verified them, newest first',
  options: [
    ...WHICH,
    ['--limit <number>', 'so many, 50 if not given'],
    ['--before <revision>', 'the older ones, before this'],
  ],
  input: z.object({ ...which, limit: wholeText.default(50), before: wholeText.optional() }),
  examples: [
    'coffre vault log',
    'coffre vault log --vault Photos --limit 200',
    'coffre vault log --before 1840',
  ],
  run: async (context, { vault, pair, limit, before }) => {
    if (limit < 1) throw new PersonError('bad-input', 'limit: at least 1', 'See coffre vault log --help.');
    const heads: ControlResult<'vault.heads'>['heads'] = [];
    let page: ControlResult<'vault.heads'>;
    let cursor = before === undefined ? null : String(before);
    do {
      page = await context.call('vault.heads', {
        vault: vault ?? null,
        pair: pair ?? null,
        limit: Math.min(MOST_HEADS, limit - heads.length),
        cursor,
      });
      heads.push(...page.heads);
      cursor = page.nextCursor;
    } while (cursor !== null && heads.length < limit);
    const rows = heads.map((head) => [
      `${head.revision}${head.current ? ' (now)' : ''}`,
      timeText(head.receivedAtMs),
      head.nodes === null ? '' : String(head.nodes),
      head.hash.slice(0, SHORT),
      `${head.deviceName}${head.removed ? ' (removed)' : ''}`,
    ]);
    const older = cursor === null ? [] : ['', `Older ones: coffre vault log --before ${cursor}`];
    return {
      json: { vault: page.vault, heads, nextCursor: cursor },
      text: [...table(['REVISION', 'WHEN', 'CHANGES', 'HASH', 'DEVICE'], rows), ...older],
    };
  },
});

export const vaultRewind = command({
  name: 'vault rewind',
  about:
    'takes a vault back to a revision of coffre vault log, on every device, after a device that is removed by now did harm',
  options: [
    ['--to <revision>', 'the last good one'],
    ...WHICH,
    ['--dry-run', 'only say what would be taken back'],
    ['--yes', 'do not ask'],
    ['--include-live', 'also take back what devices wrote that are in the account; they write it again'],
    PASSWORD_STDIN,
  ],
  input: z.object({
    ...which,
    to: wholeText,
    dryRun: flag,
    yes: flag,
    includeLive: flag,
    passwordStdin: flag,
  }),
  examples: [
    'coffre vault rewind --to 1840 --dry-run',
    'coffre vault rewind --to 1840',
    'coffre vault rewind --to 12 --vault Photos --include-live --yes',
  ],
  run: async (context, { vault, pair, to, dryRun, yes, includeLive, passwordStdin }) => {
    const request = { vault: vault ?? null, pair: pair ?? null, to, includeLive };
    const preview = await context.call('vault.rewind', request);
    if (dryRun) return { json: preview, text: previewText(preview) };
    if (!context.json) writeLines(context.terminal.stderr, [...previewText(preview), '', ...WARNING]);
    if (!yes) await confirm(context.terminal, `Take ${preview.vault} back to revision ${to}?`);
    const password = await context.secrets.password({
      prompt: 'Password: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin: passwordStdin,
    });
    const done = await context.call('vault.rewind', { ...request, hash: preview.to.hash, password });
    const text = [`${done.vault} is back at revision ${to}. The other devices follow when they are online.`];
    return { json: done, text };
  },
});

const WARNING = [
  'On every device, files come back as they were at that revision. What a device that stays in the account',
  'wrote since, it writes again by itself. All other versions since then leave the history; their bytes are in',
  'the .coffre folder of the devices that had them, as long as what is replaced is kept there.',
];

const CHANGES = {
  'comes-back': 'comes back',
  'goes-away': 'goes away',
  content: 'content as before',
  moves: 'place as before',
} as const;

type Preview = ControlResult<'vault.rewind'>;

function previewText({ vault, to, commits, unverified, writers, touched, touchedCount }: Preview): string[] {
  const devices = writers.map(
    ({ deviceName, removed, current, commits: count }) =>
      `  ${deviceName}${removed ? ' (removed)' : current ? ' (this device)' : ''}: ${count}`,
  );
  const rows = touched.map(({ path, type, change, againBy }) => [
    againBy === null ? CHANGES[change] : `written again by ${againBy}`,
    `${path}${type === 'folder' ? '/' : ''}`,
  ]);
  const more = touchedCount - touched.length;
  return [
    `${vault}, back to revision ${to.revision} (${to.hash.slice(0, SHORT)}, ${timeText(to.receivedAtMs)}, ${to.deviceName}).`,
    `${countText(commits, 'commit')} would be taken back:`,
    ...devices,
    ...(unverified === 0
      ? []
      : [`${countText(unverified, 'commit')} of them could not be verified; what is below leaves them out.`]),
    ...(rows.length === 0 ? ['No file would change.'] : table(['WHAT', 'FILE'], rows)),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
}
