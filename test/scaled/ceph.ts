/**
 * A real S3 store on this machine: one node of Ceph (monitor, storage daemon, gateway) from Debian's packages, in a
 * folder of its own, on loopback, without systemd. What is in it is gone when it stops.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cephConfig } from './ceph-config.ts';

const run = promisify(execFile);
const START_MS = 60_000;
const LOOK_AGAIN_MS = 50;
const STOP_MS = 10_000;
/** Made here, at once: the gateway would make them one by one, on first use. */
const POOLS = [
  '.rgw.root',
  'default.rgw.log',
  'default.rgw.control',
  'default.rgw.meta',
  'default.rgw.buckets.index',
  'default.rgw.buckets.data',
  'default.rgw.buckets.non-ec',
];

/** How a test reaches it. */
export interface S3Service {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export class Ceph {
  readonly service: S3Service;
  readonly #folder: string;
  readonly #ports: readonly number[];
  readonly #daemons: ChildProcess[] = [];

  private constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder;
    this.#ports = ports;
    this.service = {
      endpoint: `http://127.0.0.1:${ports[0]}`,
      region: 'us-east-1',
      accessKeyId: randomBytes(10).toString('hex'),
      secretAccessKey: randomBytes(20).toString('hex'),
    };
  }

  /** @param folder is made, and removed when it stops */
  static async start(folder: string): Promise<Ceph> {
    const ceph = new Ceph(folder, await freePorts(3));
    try {
      await ceph.#start();
      return ceph;
    } catch (error) {
      const told = await ceph.#lastWords();
      await ceph.stop();
      throw new Error(`Ceph does not start: ${String(error)}\n${told}`, { cause: error });
    }
  }

  async #start(): Promise<void> {
    const [gatewayPort = 0, ...monitorPorts] = this.#ports;
    for (const name of ['', 'run', 'log', 'mon', 'osd', 'rgw']) {
      await mkdir(join(this.#folder, name), { recursive: true });
    }
    const cluster = randomUUID();
    await writeFile(this.#path('ceph.conf'), cephConfig(this.#folder, cluster, gatewayPort, monitorPorts));
    await this.#makeMonitor(cluster, monitorPorts);
    this.#daemon('ceph-mon', '-f', '-i', 'a');
    await this.#makeStorage();
    this.#daemon('ceph-osd', '-f', '-i', '0');
    await this.#until('the storage', async () =>
      (await this.#run('ceph', '--connect-timeout', '10', 'osd', 'stat')).includes(' 1 up'),
    );
    await Promise.all(POOLS.map((pool) => this.#run('ceph', 'osd', 'pool', 'create', pool, '4', '4')));
    this.#daemon('radosgw', '-f', '-n', 'client.admin');
    const { endpoint, accessKeyId, secretAccessKey } = this.service;
    await this.#until('the gateway', () => fetch(endpoint).then(({ ok }) => ok));
    const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
    await this.#run('radosgw-admin', 'user', 'create', '--uid=coffre', '--display-name=coffre', ...keys);
  }

  async #makeMonitor(cluster: string, [newer, older]: readonly number[]): Promise<void> {
    const at = `[v2:127.0.0.1:${newer},v1:127.0.0.1:${older}]`;
    const ring = this.#path('keyring');
    const all = ['mon', 'osd', 'mgr', 'mds'].flatMap((daemon) => ['--cap', daemon, 'allow *']);
    await this.#run('monmaptool', '--create', '--fsid', cluster, '--addv', 'a', at, this.#path('monmap'));
    await this.#run('ceph-authtool', '--create-keyring', ring, '--gen-key', '-n', 'mon.', ...all.slice(0, 3));
    await this.#run('ceph-authtool', ring, '--gen-key', '-n', 'client.admin', ...all);
    await this.#run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', this.#path('monmap'), '--keyring', ring);
  }

  async #makeStorage(): Promise<void> {
    const disk = randomUUID();
    const ring = this.#path('osd/keyring');
    const caps = ['osd', 'allow *', 'mon', 'allow profile osd'];
    await this.#run('ceph', 'osd', 'new', disk, '0');
    await this.#run('ceph-authtool', '--create-keyring', ring, '--gen-key', '-n', 'osd.0');
    await this.#run('ceph', 'auth', 'add', 'osd.0', ...caps, '-i', ring);
    await this.#run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', disk);
    await this.#run('ceph', 'osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=local');
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, CEPH_CONF: this.#path('ceph.conf') };
  }

  async #run(program: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await run(program, args, { env: this.#environment, timeout: START_MS });
    return stdout;
  }

  #daemon(program: string, ...args: readonly string[]): void {
    const daemon = spawn(program, args, {
      cwd: this.#folder,
      env: this.#environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    daemon.stderr.pipe(createWriteStream(this.#path(`log/${program}.err`)));
    this.#daemons.push(daemon);
  }

  /** Asks until it is so: the daemons tell nobody. */
  async #until(what: string, isReady: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + START_MS;
    while (!(await isReady().catch(() => false))) {
      if (Date.now() > endMs) throw new Error(`${what} is not ready`);
      if (this.#daemons.some(({ exitCode }) => exitCode !== null)) throw new Error('a daemon has ended');
      await delay(LOOK_AGAIN_MS);
    }
  }

  async #lastWords(): Promise<string> {
    const files = ['ceph-mon', 'ceph-osd', 'radosgw'].map((name) => this.#path(`log/${name}.err`));
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
    return texts.map((text) => text.slice(-1000)).join('');
  }

  async stop(): Promise<void> {
    for (const daemon of this.#daemons.splice(0).reverse()) {
      if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      const patience = setTimeout(() => daemon.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(patience);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Of this machine, free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
