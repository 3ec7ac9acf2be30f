import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { listen } from '../../test/fakes/event-listener.ts';
import { packed, Person, randomId, type TestDevice } from '../../test/fakes/hand-made-client.ts';
import { startServer, type RunningServer } from '../server.ts';

let dataDir: string;
let server: RunningServer;
let device: TestDevice;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
  server = await startServer({ dataDir, logLevel: 'silent' });
  device = await new Person(server.address).signup();
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

describe('the events socket', () => {
  it('pushes commits whole to the author too, large ones by their head, and nothing to others', async () => {
    const stranger = await new Person(server.address).signup();
    const { socket, next } = await listen(device);
    const other = await listen(stranger);
    const view = await device.makeVault();
    expect(await next()).toEqual({ kind: 'vaults' });
    expect(await next()).toMatchObject({ kind: 'commit', vault: view.vault });
    const bytes = randomBytes(100_000);
    await device.commit(view, { added: [packed(bytes)], inline: [bytes] });
    const small = await next();
    expect(small.kind === 'commit' ? small.commit.frame.inline[0]?.bytes.length : null).toBe(100_000);
    const nodes = Array.from({ length: 60 }, () => [randomId<never>(16), randomBytes(8000)] as const);
    await device.commit(view, { nodes });
    expect(await next()).toEqual({ kind: 'head', vault: view.vault, ...view.head });
    await stranger.makeVault();
    expect(await other.next()).toEqual({ kind: 'vaults' });
    for (const open of [socket, other.socket]) open.terminate();
  });

  it('ends when its device is revoked, and tells the others of the chain', async () => {
    const person = new Person(server.address);
    const kept = await person.signup();
    const lost = await person.enrol();
    const [ours, theirs] = [await listen(kept), await listen(lost)];
    const closed = once(theirs.socket, 'close');
    expect((await person.append({ kind: 'revoke', device: lost.device, pins: [] })).status).toBe(200);
    expect(await ours.next()).toEqual({ kind: 'chain', length: person.chainLength });
    expect((await closed)[0]).toBe(1008);
    ours.socket.terminate();
  });

  it('does not open without a session', async () => {
    const socket = new WebSocket(`${server.address.replace('http', 'ws')}/v1/events`);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('401');
  });
});
