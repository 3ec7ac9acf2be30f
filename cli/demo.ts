/**
 * `npm start -- --demo`: a real server and two real devices on this machine, from nothing to two identical
 * folders and a look at what the server holds. Everything happens in a temporary folder that is removed.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { controlEndpoint } from '../protocol/control-endpoint.ts';
import { stopEngine, type ControlClient } from '../sync-engine/client/client.ts';
import { connectEngine } from '../sync-engine/client/connect.ts';
import type { EngineProgram } from '../sync-engine/client/engine-program.ts';
import { startLocalServer, type LocalServer } from '../programs/local-server.ts';
import { serverProgram } from './server-program.ts';
import { bytesText, countText } from './output.ts';
import { contentsOf, differences } from './same-folders.ts';

const EMAIL = 'demo@example.org';
const WAIT_MS = 120_000;
const ENDING_MS = 10_000;
/** Words that stand in names and contents, to look for in what the server stores. */
const MARKS = ['grandmother', 'cardamom', 'passport', 'handwritten'];

export interface DemoOptions {
  readonly program: EngineProgram;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** True when the folders ended up the same and the server held nothing readable. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const place = await mkdtemp(path.join(tmpdir(), 'coffre-demo-'));
  const homes = [path.join(place, 'laptop-state'), path.join(place, 'desktop-state')];
  const open: { server?: LocalServer } = {};
  try {
    return await play(options, place, homes, open);
  } finally {
    for (const home of homes) await stopEngine(controlEndpoint(home), ENDING_MS);
    await open.server?.stop();
    await rm(place, { recursive: true, force: true });
  }
}

async function play(
  { program, env, say, signal }: DemoOptions,
  place: string,
  [laptopHome = '', desktopHome = '']: readonly string[],
  open: { server?: LocalServer },
): Promise<boolean> {
  const [laptop, desktop, data] = ['laptop', 'desktop', 'server'].map((name) => path.join(place, name)) as [
    string,
    string,
    string,
  ];
  const password = randomBytes(18).toString('base64url');
  const inSync = (device: ControlClient) => device.call('wait', { timeoutMs: WAIT_MS }, { signal });

  say('A real server and two devices, each a process of its own, on this machine only.');
  say('');
  open.server = await startLocalServer(serverProgram(program, env), data, 0);
  const { url } = open.server;
  say(`1. The account server listens on ${url}.`);

  await mkdir(laptop);
  const first = await connectEngine({ home: laptopHome, program, env });
  const made = await first.call(
    'signup',
    { server: url, email: EMAIL, password, folder: laptop, deviceName: 'laptop' },
    { signal },
  );
  const words = made.recoveryPhrase.split(' ');
  say(`2. "laptop" signed up. Its keys never leave it; the recovery phrase has ${words.length} words.`);

  await writeExamples(laptop);
  const beforeMs = performance.now();
  await inSync(first);
  const before = await contentsOf(laptop);
  say(
    `3. ${countText(before.size, 'file and folder', 'files and folders')} made on "laptop" are in the account.`,
  );

  await mkdir(desktop);
  const second = await connectEngine({ home: desktopHome, program, env });
  await second.call(
    'login',
    { server: url, email: EMAIL, password, folder: desktop, deviceName: 'desktop' },
    { signal },
  );
  await inSync(second);
  if (!tell(say, '4. "desktop" signed in and fetched them', before, await contentsOf(desktop))) return false;

  await writeFile(path.join(desktop, 'Recipes', 'grandmother.md'), 'handwritten: more cardamom\n');
  await writeFile(path.join(desktop, 'from the desktop.txt'), 'hello from the other side\n');
  await rm(path.join(desktop, 'Photos', 'blurred.raw'));
  await inSync(second);
  await inSync(first);
  const after = await contentsOf(laptop);
  const isSame = tell(
    say,
    '5. An edit, a new file and a deletion on "desktop" reached "laptop"',
    await contentsOf(desktop),
    after,
  );
  const isChanged = differences(before, after).length === 3;
  if (!isSame || !isChanged) return false;
  say(`   (steps 3 to 5 took ${((performance.now() - beforeMs) / 1000).toFixed(1)} s)`);

  const isBlind = await showServer(say, data, laptop);
  say('');
  say('All of it is removed now. Where to go from here:');
  say('  npm start                 the same with your own folder');
  say('  bin/coffre --help         every command');
  say('  bin/coffre-cloud --help   a server for other machines');
  return isBlind;
}

async function writeExamples(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'Recipes'));
  await mkdir(path.join(folder, 'Photos'));
  await writeFile(path.join(folder, 'Recipes', 'grandmother.md'), 'two spoons of cardamom\n');
  await writeFile(path.join(folder, 'passport number.txt'), 'handwritten: X1234567\n');
  await writeFile(path.join(folder, 'empty.txt'), '');
  await writeFile(path.join(folder, 'Photos', 'sea.raw'), randomBytes(3_000_000));
  await writeFile(path.join(folder, 'Photos', 'blurred.raw'), randomBytes(200_000));
  if (process.platform !== 'win32') await symlink('sea.raw', path.join(folder, 'Photos', 'best'));
}

function tell(
  say: DemoOptions['say'],
  what: string,
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): boolean {
  const wrong = differences(one, other);
  say(`${what}: ${wrong.length === 0 ? 'both folders are identical.' : 'THE FOLDERS DIFFER:'}`);
  for (const relative of wrong.slice(0, 20)) say(`     ${relative}`);
  return wrong.length === 0;
}

/** Lists what the server stores, and looks for the marks in it as it would find them in the folder. */
async function showServer(say: DemoOptions['say'], data: string, folder: string): Promise<boolean> {
  say('6. What the server holds of all this:');
  const files = await filesUnder(data);
  for (const file of files.slice(0, 8)) {
    say(`     ${bytesText((await stat(file)).size).padStart(10)}  ${path.relative(data, file)}`);
  }
  if (files.length > 8) say(`     and ${files.length - 8} more`);
  const inFolder = await marksIn(folder);
  const onServer = await marksIn(data);
  say(`   Words to look for: ${MARKS.join(', ')}.`);
  say(
    `   Found in the folder: ${inFolder.join(', ') || 'none'}. Found on the server: ${onServer.join(', ') || 'none'}.`,
  );
  // The folder must have them all, or the search proves nothing.
  return inFolder.length === MARKS.length && onServer.length === 0;
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** In names and in contents. */
async function marksIn(folder: string): Promise<string[]> {
  const found = new Set<string>();
  for (const file of await filesUnder(folder)) {
    const relative = path.relative(folder, file);
    const bytes = await readFile(file);
    for (const mark of MARKS) if (relative.includes(mark) || bytes.includes(mark)) found.add(mark);
  }
  return [...found];
}
