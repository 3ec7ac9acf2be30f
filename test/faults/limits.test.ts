/** Limits of the system, as the system sets them: few files may be open, few folders may be watched. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from '../integration/folder-print.ts';
import { until, World, type Device } from '../integration/harness.ts';

/** A namespace of users has limits of its own. */
const WATCHES = 30;
/** Fewer than an idle engine has open, which it keeps. */
const FEW_FILES = 10;

function canLimitWatches(): boolean {
  const write = `echo ${WATCHES} > /proc/sys/user/max_inotify_watches`;
  return spawnSync('unshare', ['--user', '--map-root-user', 'sh', '-c', write]).status === 0;
}

function canLimitFiles(): boolean {
  return spawnSync('prlimit', ['--nofile']).status === 0;
}

describe('an engine', () => {
  let world: World;
  let sound: Device;
  let limited: Device;

  beforeAll(async () => {
    world = await World.begin();
    sound = await world.device('sound');
    limited = await world.device('limited');
  });
  afterAll(async () => {
    await world.end();
  });

  /** A program to be given as COFFRE_NODE: the command is for a shell, and ends with what is to be run. */
  function node(command: (run: string) => string): string {
    const file = path.join(world.place, 'limited-node');
    writeFileSync(file, `#!/bin/sh\n${command(`exec '${process.execPath}' "$@"`)}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  async function agree(): Promise<void> {
    for (const device of [limited, sound, limited])
      expect(await device.wait(), device.name).toMatchObject({ code: 0 });
    expect(folderPrint(limited.folder)).toEqual(folderPrint(sound.folder));
  }

  async function restart(env: NodeJS.ProcessEnv): Promise<void> {
    await limited.stop();
    limited.env = env;
    await limited.start();
  }

  it.runIf(canLimitFiles())('that may open no more files says so, and goes on when it may', async () => {
    const pid = await limited.learnPid();
    const allow = (files: number): boolean =>
      spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${files}:`]).status === 0;
    expect(allow(FEW_FILES)).toBe(true);
    for (let file = 0; file < 200; file += 1) {
      const [up, down] = [limited.path(`up ${file % 20}`), sound.path(`down ${file % 20}`)];
      for (const folder of [up, down]) mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(up, `${file}`), `up ${file}`.repeat(3000));
      writeFileSync(path.join(down, `${file}`), `down ${file}`.repeat(3000));
    }
    expect(await sound.wait()).toMatchObject({ code: 0 });
    // Asked over the connection that stands: a new one would take a file too.
    const seen = await until('what it says of it', 30_000, async () => {
      const issues = await limited.issues().catch(() => null);
      if (issues === null) return 'the engine ended';
      return issues.some(({ code }) => code === 'root-unreadable') ? 'an issue' : null;
    });
    if (seen === 'an issue') {
      expect((await limited.status()).state).toBe('attention');
      expect(allow(1024)).toBe(true);
    } else {
      // It had to start a thread, which takes files.
      expect(limited.lastWords()).toMatch(/^(?:WorkerDied|$)/);
      await limited.kill9();
      await limited.start();
    }
    await agree();
    expect(await limited.issues()).toEqual([]);
  });

  it.runIf(canLimitWatches())(
    'that may watch few folders says so, and finds what changed by looking',
    async () => {
      const limit = `echo ${WATCHES} > /proc/sys/user/max_inotify_watches`;
      await restart({
        COFFRE_NODE: node(
          (run) =>
            `exec unshare --user --map-root-user sh -c '${limit}; exec "$@"' sh '${process.execPath}' "$@" # ${run}`,
        ),
      });
      for (let folder = 0; folder < 2 * WATCHES; folder += 1) mkdirSync(limited.path(`folder ${folder}`));
      const issue = await until(
        'the issue',
        30_000,
        async () => (await limited.issues()).find(({ code }) => code === 'watch-limit') ?? null,
      );
      expect(issue.reason).toContain('fs.inotify.max_user_watches');
      writeFileSync(limited.path(`folder ${2 * WATCHES - 1}`, 'unseen'), 'found by looking');
      await agree();
      expect(readFileSync(sound.path(`folder ${2 * WATCHES - 1}`, 'unseen'), 'utf8')).toBe(
        'found by looking',
      );
      await restart({});
      await agree();
      expect(await limited.issues()).toEqual([]);
    },
  );
});
