/** Packs that lie elsewhere: the server's answers, which name the place, and those of the place. */
import { packBody } from '../../../sync-engine/transfer/pack-body.ts';
import { withHeader, type Answer } from './answer.ts';
import { route, type Asker, type Endpoint } from './endpoint.ts';
import type { Lane } from './lane.ts';
import type { Heard } from './line.ts';
import { fetching, inVault, PACK, truth, word } from './log-endpoints.ts';

/** The place is on the lane's own line, under this path. */
const PLACE = '/elsewhere';
const upload = route('POST', inVault('packs/:pack/upload'));
const complete = route('POST', inVault('packs/:pack/complete'));
const read = route('GET', inVault('packs/:pack'));
const atPlace = (method: string) => (heard: Heard) => heard.method === method && heard.path.startsWith(PLACE);

function answer(status: number, headers: Readonly<Record<string, string>>, body = ''): Answer {
  return { status, headers: Object.entries(headers), body: Buffer.from(body) };
}

const SAID = { 'coffre-protocol': '1', 'coffre-packs': 'elsewhere' };

function genuine(lane: Lane, heard: Heard): Answer | null {
  const url = `${lane.line.address}${PLACE}${heard.path}`;
  if (upload(heard)) {
    const body = JSON.stringify({ to: 'elsewhere', upload: 7, url });
    return answer(200, { ...SAID, 'content-type': 'application/json' }, body);
  }
  if (complete(heard)) return answer(204, SAID);
  if (read(heard)) return answer(307, { ...SAID, location: url });
  if (atPlace('PUT')(heard)) return answer(200, {});
  if (!atPlace('GET')(heard)) return null;
  return withHeader(
    lane.recorded({ ...heard, path: heard.path.slice(PLACE.length) }),
    'coffre-protocol',
    null,
  );
}

/** Before each request the server has said that packs go elsewhere. */
function elsewhere(lane: Lane): void {
  const other = lane.live;
  lane.live = async (heard) => genuine(lane, heard) ?? (await other?.(heard)) ?? null;
}

async function putting(lane: Lane): Promise<Asker> {
  elsewhere(lane);
  return Promise.resolve({
    ask: () => {
      lane.client.packsGoElsewhere = true;
      return lane.cloud.putPack(lane.life.vault, PACK, packBody(new Uint8Array(100)));
    },
  });
}

async function reading(lane: Lane): Promise<Asker> {
  elsewhere(lane);
  return fetching(lane);
}

const NOTHING = (): Promise<void> => Promise.resolve();

export const DIRECT_ENDPOINTS: readonly Endpoint[] = [
  { ...word('POST', inVault('packs/:pack/upload'), NOTHING), client: putting },
  { ...word('POST', inVault('packs/:pack/complete'), NOTHING), client: putting },
  { ...word('PUT', 'to the place', NOTHING), on: atPlace('PUT'), client: putting },
  { ...truth('GET', inVault('packs/:pack'), reading), name: `GET ${inVault('packs/:pack')}, elsewhere` },
  { ...truth('GET', 'from the place', reading), on: atPlace('GET') },
];
