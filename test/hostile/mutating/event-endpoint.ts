/** The events: a handshake, and frames that carry hints and whole commits. */
import { createHash } from 'node:crypto';
import { encodeFrame } from '../../../protocol/commit.ts';
import {
  decodeChangesPage,
  encodeCommitEvent,
  encodeEvent,
  type CloudEvent,
} from '../../../protocol/pages.ts';
import type { Answer } from './answer.ts';
import { route, type Asker, type Endpoint } from './endpoint.ts';
import type { GenuineLife } from './genuine.ts';
import { CloudError, type CloudFault } from '../../../sync-engine/remote/cloud.ts';
import { refusalOf } from './judge.ts';
import type { Lane } from './lane.ts';
import type { Heard } from './line.ts';
import { behind, steps } from './log-endpoints.ts';

/** RFC 6455. */
const HANDSHAKE = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function frame(payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x82;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head[1] === 126) head.writeUInt16BE(length, 2);
  if (head[1] === 127) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

function upgrade(life: GenuineLife, { headers }: Heard): Answer {
  const { vault, joinedAt, whole } = life;
  const changes = whole.get(`GET /v1/vaults/${vault}/changes?after=${joinedAt}`)!.at(-1)!.body;
  const { commits, headSeq, headHash } = decodeChangesPage(changes);
  const frames = [
    encodeEvent({ kind: 'vaults' }),
    ...commits.map((commit) => encodeCommitEvent(vault, commit.receivedAtMs, encodeFrame(commit.frame))),
    encodeEvent({ kind: 'chain', length: life.bob.device.chain().length }),
    encodeEvent({ kind: 'head', vault, seq: headSeq, hash: headHash }),
  ];
  const accept = createHash('sha1').update(`${headers['sec-websocket-key'] ?? ''}${HANDSHAKE}`);
  return {
    status: 101,
    headers: [
      ['upgrade', 'websocket'],
      ['connection', 'Upgrade'],
      ['sec-websocket-accept', accept.digest('base64')],
    ],
    body: Buffer.concat(frames.map(frame)),
  };
}

/** Hints are looked after by asking; a commit is taken by the same rules as one that was asked for. */
async function listening(lane: Lane): Promise<Asker> {
  let reader = await behind(lane);
  const before = reader.holds();
  const genuine = await steps(lane);
  const end = genuine.at(-1);
  const listen = (): Promise<{ events: CloudEvent[]; fault: CloudFault }> =>
    new Promise((resolve, reject) => {
      const events: CloudEvent[] = [];
      let lost = 0;
      lane.cloud.events({
        opened: () => undefined,
        event: (event) => {
          if (lost > 0) reject(new Error('an event after the end'));
          events.push(event);
        },
        lost: (fault) => {
          lost += 1;
          if (lost > 1) reject(new Error('lost twice'));
          else setImmediate(() => setImmediate(() => resolve({ events, fault })));
        },
      });
    });
  return {
    also: [before, ...genuine],
    ask: async () => {
      const { events, fault } = await listen();
      for (const event of events) {
        if (event.kind !== 'commit' || event.vault !== lane.life.vault) continue;
        await reader.log.receive(event.commit).catch((error: unknown) => {
          refusalOf(error); // throws where it has no code
        });
      }
      if (reader.holds() !== end) throw new CloudError(fault, 'it was lost before all had come');
      return reader.holds();
    },
    holds: () => reader.holds(),
    renew: async () => {
      reader.close();
      reader = await behind(lane);
    },
    close: () => {
      reader.close();
    },
  };
}

export const EVENT_ENDPOINT: Endpoint = {
  name: 'GET /v1/events',
  on: route('GET', '/v1/events'),
  rests: 'truth',
  answer: upgrade,
  client: listening,
};
