/** What the scripted app and engine answer, and how a call changes their world. */
import type { AppEventName, AppMethod, AppRequest, AppResult } from '../../../protocol/app.ts';
import type { ControlMethod, ControlRequest, ControlResult } from '../../../protocol/control.ts';
import { MAX_STATUS_ISSUES } from '../../../protocol/control.ts';
import { PersonError } from '../../../protocol/errors.ts';
import type { TreeItem, World } from './world.ts';

export type Answers = {
  [M in ControlMethod]?: (params: ControlRequest<M>) => ControlResult<M> | Promise<ControlResult<M>>;
} & {
  [M in AppMethod]?: (params: AppRequest<M>) => AppResult<M> | Promise<AppResult<M>>;
};

const DAY_MS = 86_400_000;

type Tell = (event: AppEventName, data: unknown) => Promise<void>;

export function answersOf(world: World, tell: Tell, request: number): Answers {
  return { ...appAnswers(world, tell), ...engineAnswers(world, tell), ...treeAnswers(world, tell, request) };
}

function appAnswers(world: World, tell: Tell): Answers {
  return {
    'app.info': () => world.app,
    'app.settings': async (change) => {
      const settings = { ...world.app.settings };
      for (const [key, value] of Object.entries(change)) Object.assign(settings, { [key]: value });
      const wanted = settings.language === 'system' ? world.app.systemLanguage : settings.language;
      world.app = { ...world.app, settings, language: wanted === 'fr' ? 'fr' : 'en' };
      await tell('settings', settings);
      return settings;
    },
    'folder.choose': () => ({ folder: '/home/claire/Pictures' }),
    'path.open': () => ({}),
    'server.local': () => ({ url: 'http://127.0.0.1:8440' }),
    'link.open': () => ({}),
    'window.print': () => ({ printed: true }),
    'engine.restart': () => world.app.engine,
    'update.check': () => world.app.update,
    'update.install': () => ({}),
    'app.quit': () => ({}),
  };
}

function engineAnswers(world: World, tell: Tell): Answers {
  const setState = async (state: World['status']['state']): Promise<{ state: World['status']['state'] }> => {
    world.status = { ...world.status, state };
    await tell('status', statusOf(world));
    return { state };
  };
  const requirePassword = (password: string): void => {
    if (password !== world.password)
      throw new PersonError('refused', 'the password is not right', 'Type it again.');
  };
  return {
    status: () => statusOf(world),
    wait: () => ({ seq: {} }),
    pause: ({ untilMs }) => {
      world.status = { ...world.status, pausedUntilMs: untilMs };
      return setState('paused');
    },
    resume: () => {
      world.status = { ...world.status, pausedUntilMs: null };
      return setState('idle');
    },
    nudge: () => ({ state: world.status.state }),
    unlock: async (params) => {
      if ('password' in params) requirePassword(params.password);
      return setState('idle');
    },
    stop: () => ({}),
    'pairs.list': () => ({ pairs: world.status.pairs }),
    'pairs.add': async ({ folder, into }) => {
      const name = folder.split('/').at(-1) ?? folder;
      const [vault, path] = into === null ? [name, '/'] : splitPath(world, into);
      const pair = { id: `pair-${name}`, folder, vault, seq: 1, path, paused: null };
      world.status = { ...world.status, pairs: [...world.status.pairs, pair] };
      await tell('status', statusOf(world));
      return { pair };
    },
    'pairs.remove': async ({ id }) => {
      world.status = { ...world.status, pairs: world.status.pairs.filter((pair) => pair.id !== id) };
      await tell('status', statusOf(world));
      return { id };
    },
    select: ({ path, on }) => {
      const [, item] = itemAt(world, path);
      if (item !== null) mark(item, on);
      return { path, on };
    },
    'issues.list': ({ limit, cursor }) => page(world.issues, limit, cursor, 'issues'),
    'issues.removals': ({ limit }) => {
      if (world.removals === null)
        throw new PersonError('bad-input', 'that issue holds no removals back', 'Ask about another.');
      return { ...world.removals, paths: world.removals.paths.slice(0, limit) };
    },
    'issues.resolve': async ({ id }) => {
      world.issues = world.issues.filter((issue) => issue.id !== id);
      await tell('issues', {
        issues: world.issues.slice(0, MAX_STATUS_ISSUES),
        issueCount: world.issues.length,
      });
      return { id };
    },
    'activity.list': ({ limit, cursor }) => page(world.activity, limit, cursor, 'rows'),
    'config.get': ({ key }) => ({ values: key === null ? world.config : { [key]: world.config[key] ?? 0 } }),
    'config.set': ({ key, value }) => {
      world.config = { ...world.config, [key]: value };
      return { values: { [key]: value } };
    },
    'ignore.test': ({ path, text }) => {
      const pattern = (text ?? world.ignoreText).split('\n').find((rule) => matches(rule, path));
      return pattern === undefined
        ? { ignored: false, rule: null }
        : { ignored: true, rule: { file: '.coffreignore', pattern } };
    },
    'ignore.rules': () => ({
      text: world.ignoreText,
      builtIn: ['.DS_Store', 'Thumbs.db', 'desktop.ini', '~$*', '.~lock.*#'],
    }),
    'ignore.setRules': ({ text }) => {
      world.ignoreText = text;
      return { text };
    },
    'ignore.preview': ({ text, limit }) => {
      const paths = ['Thesis/Data/cache.bak', 'Thesis/Thesis.bak', 'Photos/import.tmp'];
      const isOut = (rules: string, path: string): boolean =>
        rules.split('\n').some((rule) => matches(rule, path));
      const changed = (from: string, to: string) => {
        const found = paths.filter((path) => !isOut(from, path) && isOut(to, path));
        return { files: found.length, paths: found.slice(0, limit) };
      };
      return {
        newlyIgnored: changed(world.ignoreText, text),
        noLongerIgnored: changed(text, world.ignoreText),
        complete: true,
      };
    },

    signup: ({ folder, email, server, deviceName }) => ({
      ...enrol(world, folder, email, server, deviceName ?? 'Laptop'),
      recoveryPhrase: world.phrase,
    }),
    'claim.offer': () => ({ service: 'OldBox', passwords: true }),
    'claim.prove': ({ oldPassword, code }) => {
      if (oldPassword === 'the old one' || code !== undefined) return {};
      throw new PersonError(
        'refused',
        'no account of the older service was found with this address and old password',
        'Check both.',
      );
    },
    claim: ({ folder, email, server, deviceName }) => ({
      ...enrol(world, folder, email, server, deviceName ?? 'Laptop'),
      recoveryPhrase: world.phrase,
    }),
    login: ({ folder, email, server, password, deviceName }) => {
      requirePassword(password);
      return enrol(world, folder, email, server, deviceName ?? 'Laptop');
    },
    recover: () => ({ account: 'a1', device: 'd1f0a2', pair: world.status.pairs[0] ?? null }),
    password: ({ oldPassword, newPassword }) => {
      requirePassword(oldPassword);
      world.password = newPassword;
      return {};
    },
    'phrase.show': ({ password }) => {
      requirePassword(password);
      return { recoveryPhrase: world.phrase };
    },
    'phrase.renew': ({ password }) => {
      requirePassword(password);
      return { recoveryPhrase: world.phrase };
    },
    logout: async ({ everywhere, password }) => {
      if (everywhere) {
        requirePassword(password ?? '');
        return {};
      }
      world.status = { ...world.status, account: null, pairs: [] };
      await setState('signed-out');
      return {};
    },
    'account.delete': async ({ password }) => {
      requirePassword(password);
      world.status = { ...world.status, account: null, pairs: [] };
      await setState('signed-out');
      return {};
    },
    'devices.list': () => ({ devices: world.devices }),
    'devices.revoke': ({ id, password }) => {
      requirePassword(password);
      world.devices = world.devices.map((device) =>
        device.id === id ? { ...device, revoked: true } : device,
      );
      return { id };
    },
    'server.set': ({ server }) => {
      if (world.status.account !== null)
        world.status = { ...world.status, account: { ...world.status.account, server } };
      return { server };
    },
    quota: () => world.quota,
  };
}

function treeAnswers(world: World, tell: Tell, request: number): Answers {
  return {
    ls: ({ path, limit, cursor, atMs, totals }) => {
      const [text, item] = itemAt(world, path);
      const all = (item === null ? [] : item.type === 'folder' ? item.children : [item]).filter(
        // What is newer than the moment asked for was not there.
        (child) => atMs === undefined || child.type === 'folder' || child.mtimeMs <= atMs,
      );
      const entries = all.map((child, index) => ({
        name: child.name,
        type: child.type,
        size: child.size,
        mtimeMs: child.mtimeMs,
        node: `n-${text}-${index}`,
        selected: child.selected,
        ...(child.type === 'folder' ? { partly: isPartly(child) } : {}),
        ...(child.type === 'folder' && totals ? totalsOf(child) : {}),
      }));
      return { path: text, vaults: [...world.vaults.keys()], ...page(entries, limit, cursor, 'entries') };
    },
    'vault.heads': () => ({ vault: 'Files', heads: [], nextCursor: null }),
    timeline: () => ({
      firstMs: world.nowMs - 30 * DAY_MS,
      lastMs: world.nowMs,
      days: world.changedDays.map(([daysAgo, changes]) => ({
        dayStartMs: startOfDay(world.nowMs - daysAgo * DAY_MS),
        changes,
      })),
    }),
    versions: ({ path, limit, cursor }) => ({
      path: itemAt(world, path)[0],
      ...page(world.versions, limit, cursor, 'versions'),
    }),
    restore: ({ path, to }) => ({ path: to ?? itemAt(world, path)[0], files: 1, bytes: 8_390_440 }),
    'trash.list': ({ limit, cursor, vault }) =>
      page(
        world.trash.filter((entry) => vault === null || entry.vault === vault),
        limit,
        cursor,
        'entries',
      ),
    'trash.restore': ({ item, to }) => {
      const entry = world.trash.find((one) => one.id === item);
      if (entry === undefined) throw new PersonError('not-found', 'that is not in the trash', 'Look again.');
      world.trash = world.trash.filter((one) => one !== entry);
      return { path: to ?? entry.path ?? `${entry.vault}:/${entry.name}`, files: 1, bytes: entry.size };
    },
    'trash.empty': ({ now, password }) => {
      if (now && password !== world.password)
        throw new PersonError('refused', 'the password is not right', 'Type it again.');
      const items = world.trash.length;
      const bytes = world.trash.reduce((sum, entry) => sum + entry.size, 0);
      world.trash = [];
      return { items, bytes };
    },
    check: async () => {
      await tell('progress', { request, step: 'reading back', done: 40, total: 100, unit: 'bytes' });
      world.status = { ...world.status, lastProvenRestorableMs: world.nowMs };
      await tell('status', statusOf(world));
      return { files: 12, bytes: 40_118_220, lastProvenRestorableMs: world.nowMs, keys: 'device' };
    },
  };
}

/** As far as the fixtures need it: `*.end` and whole names. */
function matches(rule: string, path: string): boolean {
  const trimmed = rule.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return false;
  return trimmed.startsWith('*') ? path.endsWith(trimmed.slice(1)) : path.split('/').includes(trimmed);
}

function isPartly(folder: TreeItem): boolean {
  return folder.selected && folder.children.some((child) => !child.selected || isPartly(child));
}

function totalsOf(folder: TreeItem): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const child of folder.children) {
    const below = child.type === 'folder' ? totalsOf(child) : { files: 1, bytes: child.size };
    files += below.files;
    bytes += below.bytes;
  }
  return { files, bytes };
}

/** The window's zone is Paris, two hours ahead in October. */
function startOfDay(timeMs: number): number {
  const ahead = 2 * 3_600_000;
  return Math.floor((timeMs + ahead) / DAY_MS) * DAY_MS - ahead;
}

function statusOf(world: World): World['status'] {
  const issues = world.issues.slice(0, MAX_STATUS_ISSUES);
  return { ...world.status, issues, issueCount: world.issues.length };
}

function enrol(world: World, folder: string, email: string, server: string, deviceName: string) {
  const pair = { id: 'pair-files', folder, vault: 'Files', seq: 0, path: '/', paused: null };
  const account = { email, server, device: 'd1f0a2', deviceName };
  world.status = { ...world.status, state: 'idle', account, pairs: [pair] };
  return { account: 'a1', device: 'd1f0a2', deviceName, pair };
}

function page<Item, Name extends string>(
  all: readonly Item[],
  limit: number,
  cursor: string | null,
  name: Name,
): Record<Name, Item[]> & { nextCursor: string | null } {
  const from = cursor === null ? 0 : Number(cursor);
  const part = { [name]: all.slice(from, from + limit) } as Record<Name, Item[]>;
  return { ...part, nextCursor: from + limit < all.length ? String(from + limit) : null };
}

/** Vault and path of `VAULT:/path`, or of `/path` in the first vault. */
function splitPath(world: World, text: string): [vault: string, path: string] {
  const match = /^([^/:]+):(.*)$/su.exec(text);
  const first = [...world.vaults.keys()][0] ?? 'Files';
  const path = match?.[2] ?? text;
  return [match?.[1] ?? first, path.startsWith('/') ? path : `/${path}`];
}

/** `VAULT:/path` and what is there; null for the root of an empty account. @throws not-found */
function itemAt(world: World, text: string): [path: string, item: TreeItem | null] {
  const [vault, path] = splitPath(world, text);
  const top = world.vaults.get(vault);
  let item: TreeItem | null =
    top === undefined
      ? null
      : { name: '', type: 'folder', size: 0, mtimeMs: world.nowMs, selected: true, children: top };
  for (const step of path.split('/').filter((part) => part !== '')) {
    item = item?.children.find((child) => child.name === step) ?? null;
    if (item === null) {
      throw new PersonError('not-found', `there is nothing at ${text}`, 'Look in the folder above.');
    }
  }
  return [`${vault}:${path}`, item];
}

function mark(item: TreeItem, on: boolean): void {
  item.selected = on;
  for (const child of item.children) mark(child, on);
}
