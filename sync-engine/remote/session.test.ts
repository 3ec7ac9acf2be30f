import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId, DeviceId } from '../../protocol/ids.ts';
import { CloudError } from './cloud.ts';
import { HttpClient } from './http-client.ts';
import { parseServerAddress } from './server-address.ts';
import { CloudSession } from './session.ts';

const account = 'aa'.repeat(16) as AccountId;
const device = 'bb'.repeat(16) as DeviceId;

/** A server that only renews tokens, by the rules the real one has. */
class TokenServer {
  current = 'r0';
  spent: string | null = null;
  revoked = false;
  issued = 0;
  readonly asked: { refreshToken: string; signature: string }[] = [];
  answerAs: DeviceId = device;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(pieces).toString()) as (typeof this.asked)[number];
        this.asked.push(body);
        const good = body.refreshToken === this.current || body.refreshToken === this.spent;
        response.setHeader('coffre-protocol', '1');
        if (this.revoked || !good) {
          response.writeHead(403).end(JSON.stringify({ error: { code: 'refused', message: 'no' } }));
          return;
        }
        this.issued += 1;
        this.spent = body.refreshToken;
        this.current = `r${this.issued}`;
        const session = { account, device: this.answerAs, accessToken: `a${this.issued}` };
        response.end(JSON.stringify({ ...session, refreshToken: this.current, accessExpiresInS: 900 }));
      });
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let server: TokenServer;
let client: HttpClient;

beforeEach(async () => {
  server = new TokenServer();
  client = new HttpClient(parseServerAddress(`http://127.0.0.1:${await server.listen()}`));
});

afterEach(async () => {
  await client.close();
  server.close();
});

function sessionWith(refreshToken: string, save: (token: string) => Promise<void> = async () => {}) {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs };
  const events = { signedOut: 0 };
  const session = new CloudSession({
    client,
    account,
    device,
    refreshToken,
    sign: (_domain, body) => Uint8Array.from(body).reverse(),
    saveRefreshToken: save,
    signedOut: () => {
      events.signedOut += 1;
    },
    clock,
  });
  return { session, clock, events };
}

const unauthorized = (): CloudError => new CloudError('unauthorized', 'expired');

describe('a session', () => {
  it('signs the refresh token with the device key', async () => {
    await sessionWith('r0').session.accessToken();
    expect(server.asked).toEqual([{ refreshToken: 'r0', signature: Buffer.from('0r').toString('base64') }]);
  });

  it('renews once for many requests at a time, and again a minute before the end', async () => {
    const { session, clock } = sessionWith('r0');
    expect(await Promise.all([1, 2, 3].map(() => session.accessToken()))).toEqual(['a1', 'a1', 'a1']);
    clock.nowMs = 839_999;
    expect(await session.accessToken()).toBe('a1');
    clock.nowMs = 840_000;
    expect(await session.accessToken()).toBe('a2');
    expect(server.issued).toBe(2);
  });

  it('saves the new refresh token before the access token is given out', async () => {
    const steps: string[] = [];
    const { session } = sessionWith('r0', async (token) => {
      await Promise.resolve();
      steps.push(`saved ${token}`);
    });
    await session.accessToken().then((token) => steps.push(`given ${token}`));
    expect(steps).toEqual(['saved r1', 'given a1']);
  });

  it('survives a crash between the answer and the save', async () => {
    const crashing = sessionWith('r0', () => Promise.reject(new Error('the disk is full')));
    await expect(crashing.session.accessToken()).rejects.toThrow('the disk is full');
    await expect(crashing.session.accessToken()).rejects.toThrow('the disk is full');
    expect(await sessionWith('r0').session.accessToken()).toBe('a3');
  });

  it('tries a request once more with a new token, and only once', async () => {
    const { session } = sessionWith('r0');
    const used: string[] = [];
    const result = await session.authorized(async (token) => {
      used.push(token);
      if (token === 'a1') throw unauthorized();
      return 'done';
    });
    expect([result, used]).toEqual(['done', ['a1', 'a2']]);
    const never = session.authorized(() => Promise.reject(unauthorized()));
    await expect(never).rejects.toMatchObject({ fault: 'unauthorized' });
    expect(server.issued).toBe(3);
  });

  it('fetches one new token when many requests find the old one gone', async () => {
    const { session } = sessionWith('r0');
    const work = (token: string): Promise<string> =>
      token === 'a1' ? Promise.reject(unauthorized()) : Promise.resolve(token);
    expect(await Promise.all([session.authorized(work), session.authorized(work)])).toEqual(['a2', 'a2']);
    expect(await session.renew('a1')).toBe('a2');
    expect(server.issued).toBe(2);
  });

  it('is over when the server refuses: says so once, and asks nothing more', async () => {
    const { session, events } = sessionWith('r0');
    server.revoked = true;
    await expect(session.accessToken()).rejects.toMatchObject({ fault: 'unauthorized' });
    await expect(session.accessToken()).rejects.toMatchObject({ fault: 'unauthorized' });
    expect(session.signedOut).toBe(true);
    expect([events.signedOut, server.asked.length]).toEqual([1, 1]);
  });

  it('stays signed in through an outage', async () => {
    const { session, events } = sessionWith('r0');
    server.close();
    await expect(session.accessToken()).rejects.toMatchObject({ fault: 'offline' });
    expect([session.signedOut, events.signedOut]).toEqual([false, 0]);
  });

  it('refuses the session of another device', async () => {
    server.answerAs = 'cc'.repeat(16) as DeviceId;
    const saved: string[] = [];
    const { session } = sessionWith('r0', async (token) => void saved.push(token));
    await expect(session.accessToken()).rejects.toMatchObject({ fault: 'malformed' });
    expect(saved).toEqual([]);
  });

  it('asks nothing without a refresh token', async () => {
    await expect(sessionWith('').session.accessToken()).rejects.toMatchObject({ fault: 'unauthorized' });
    expect(server.asked).toEqual([]);
  });
});
