/**
 * Fifty uploads at once into an account with room for some of them: as many as fit are taken, no more, and neither the
 * account's count nor what lies in the store is above the quota. Scaled, they come to two nodes. Fails otherwise.
 */
import { randomBytes } from 'node:crypto';
import { directUploadHeaders } from '../../protocol/cloud.ts';
import { ask, packName, Person, type Answer, type TestDevice } from '../../test/fakes/hand-made-client.ts';
import { row } from '../report.ts';
import { onBoth } from './on-both.ts';

const QUOTA_BYTES = 10_000_000;
const PACK_BYTES = 999_000;
const UPLOADS = 50;
const FIT = Math.floor(QUOTA_BYTES / PACK_BYTES);
const ACCOUNTS = 4;

export const quotaRace = onBoth(async (storage, setting) => {
  const options = ['--quota', String(QUOTA_BYTES)];
  const nodes = [await storage.serve(options)];
  try {
    if (storage.kind === 'scaled') nodes.push(await storage.serve(options));
    const accounts = setting.quick ? 1 : ACCOUNTS;
    let [taken, most] = [0, 0];
    for (let account = 0; account < accounts; account += 1) {
      const device = await new Person(nodes[0]?.address ?? '').signup();
      const { vault } = await device.makeVault();
      const answers = await Promise.all(
        Array.from({ length: UPLOADS }, (_none, upload) =>
          send(device, nodes[upload % nodes.length]?.address ?? '', vault),
        ),
      );
      const stored = answers.filter((answer) => answer === 'stored').length;
      const { usedBytes } = (await device.ask('GET', '/v1/account')).json.quota as { usedBytes: number };
      expect(stored === FIT, `${stored} of ${UPLOADS} uploads were taken where ${FIT} fit`);
      expect(usedBytes <= QUOTA_BYTES, `the account uses ${usedBytes} of ${QUOTA_BYTES} bytes`);
      expect(usedBytes >= stored * PACK_BYTES, `${usedBytes} bytes are counted for ${stored} packs`);
      taken += stored;
      most = Math.max(most, usedBytes);
    }
    const lies = await storage.packBytes();
    expect(lies === taken * PACK_BYTES, `${lies} bytes lie in the store, ${taken * PACK_BYTES} were taken`);
    expect(lies <= accounts * QUOTA_BYTES, `${lies} bytes lie in the store`);
    await storage.check();
    return [
      row(
        `${UPLOADS} uploads at once, ${FIT} fit: taken, of each of ${accounts} accounts`,
        taken / accounts,
        {
          target: FIT,
          note: `${lies} bytes in the store, ${most} of ${QUOTA_BYTES} counted at most; check: sound`,
        },
      ),
    ];
  } finally {
    for (const node of nodes) await node.stop();
  }
});

/** As a device does: through the server, or to the place that it names. @throws for any refusal but that of the quota */
async function send(device: TestDevice, address: string, vault: string): Promise<'stored' | 'full'> {
  const bytes = randomBytes(PACK_BYTES);
  const name = packName(bytes);
  const path = `/v1/vaults/${vault}/packs/${name}`;
  const to = (method: string, rest: string, body: unknown): Promise<Answer> =>
    ask(address, method, `${path}${rest}`, device.session.accessToken, body);
  const begun = await to('POST', '/upload', { size: bytes.length });
  if (isFull(begun)) return 'full';
  if (begun.json.to === 'here') {
    const put = await to('PUT', '', bytes);
    if (isFull(put)) return 'full';
    expect(put.status === 201, `an upload got ${put.status}`);
    return 'stored';
  }
  const { url, upload } = begun.json as { url: string; upload: number };
  const put = await fetch(url, { method: 'PUT', body: bytes, headers: directUploadHeaders(name) });
  expect(put.ok, `the store answers ${put.status}`);
  const completed = await to('POST', '/complete', { upload });
  expect(completed.status === 204, `an upload was not completed: ${completed.status}`);
  return 'stored';
}

function isFull({ status, json }: Answer): boolean {
  if (status === 507) return true;
  expect(status < 300, `an upload was refused: ${status} ${JSON.stringify(json)}`);
  return false;
}

function expect(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`the quota does not hold: ${what}`);
}
