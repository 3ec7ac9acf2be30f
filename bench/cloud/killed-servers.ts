/**
 * Devices commit without a rest while the server is killed (SIGKILL) every two seconds and started again; scaled, one of
 * three nodes in turn behind a load balancer. Afterwards every acknowledged commit is in its log exactly once, no log
 * has a gap or a commit that nobody was told of, and `check` finds nothing. Fails otherwise.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startCloudProcess } from '../../test/fakes/cloud-process.ts';
import { Person } from '../../test/fakes/hand-made-client.ts';
import { NodeGroup } from '../../test/scaled/node-group.ts';
import { row } from '../report.ts';
import { lostOrDoubled, StubbornWriter } from './stubborn-writer.ts';
import type { LoadStorage } from './load-services.ts';
import { onBoth, timeRows } from './on-both.ts';

const KILL_EVERY_MS = 2000;
const USUAL_S = 25;
/** People with a vault of their own each, and devices of one more who share theirs. */
const ALONE = 6;
const TOGETHER = 3;
/** Of each of three nodes. */
const CONNECTIONS = '10';

/** A server that can be killed and is the same afterwards. */
interface Victim {
  readonly url: string;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export const killedServers = onBoth(async (storage, setting) => {
  const victim = storage.dataDir === null ? await nodes(storage) : await single(storage.dataDir);
  const seconds = setting.seconds ?? (setting.quick ? 7 : USUAL_S);
  const over = new AbortController();
  try {
    const writers = await makeWriters(victim.url);
    setting.say(`${writers.length} devices commit for ${seconds} s`);
    const work = Promise.all(writers.map((writer) => writer.work(over.signal)));
    work.catch(() => undefined);
    let killed = 0;
    for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; killed += 1) {
      await Promise.race([delay(KILL_EVERY_MS), work]);
      await victim.kill();
    }
    over.abort();
    await work;
    const wrong = await lostOrDoubled(writers);
    if (wrong.length > 0) throw new Error(`commits were lost or doubled: ${wrong.slice(0, 5).join('; ')}`);
    const sum = (of: (writer: StubbornWriter) => number): number =>
      writers.reduce((so, writer) => so + of(writer), 0);
    const acknowledged = sum(({ acknowledged }) => acknowledged.size);
    setting.say(`${acknowledged} commits, ${killed} kills; checking`);
    await victim.stop();
    await storage.check();
    return [
      row('commits acknowledged while servers were killed', acknowledged, {
        note: `${killed} kills in ${seconds} s, ${sum(({ retried }) => retried)} requests repeated, ${sum(({ refused }) => refused)} refused for the head`,
      }),
      row('  of them not in their log exactly once, gaps, commits of nobody', wrong.length, { target: 0 }),
      ...timeRows(
        '  a commit, its repetitions included',
        writers.flatMap(({ ms }) => ms),
      ),
    ];
  } finally {
    over.abort();
    await victim.stop();
  }
});

async function makeWriters(url: string): Promise<StubbornWriter[]> {
  const writers: StubbornWriter[] = [];
  for (let person = 0; person < ALONE; person += 1) {
    const device = await new Person(url).signup();
    writers.push(new StubbornWriter(device, await device.makeVault()));
  }
  const person = new Person(url);
  const first = await person.signup();
  const devices = [first, ...(await person.enrolAll(TOGETHER - 1))];
  const shared = await first.makeVault();
  for (const device of devices) writers.push(new StubbornWriter(device, { ...shared, revisions: new Map() }));
  return writers;
}

async function single(dataDir: string): Promise<Victim> {
  let server = await startCloudProcess(dataDir);
  const url = server.address;
  const listen = new URL(url).host;
  return {
    url,
    async kill() {
      await server.kill();
      server = await startCloudProcess(dataDir, { listen });
    },
    stop: () => server.stop(),
  };
}

async function nodes({ place, env }: LoadStorage): Promise<Victim> {
  const group = await NodeGroup.start({ options: [...place, '--database-connections', CONNECTIONS], env });
  let turn = 0;
  return {
    url: group.url,
    async kill() {
      await group.replace(turn % group.size);
      turn += 1;
    },
    stop: () => group.stop(),
  };
}
