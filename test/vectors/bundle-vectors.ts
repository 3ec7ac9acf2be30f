/** The account bundle of form 2, which keeps the 24 words under the root key. */
import { toHex } from '../../protocol/ids.ts';
import type { Json, Vector } from './operations.ts';
import { Collection, drawing, flip, rootKey } from './shared.ts';

const draw = drawing('bundle');

export async function bundles(): Promise<Vector[]> {
  const out = new Collection();
  const passwordKey = draw(32);
  const made = { rootKey, passwordKey, entropy: draw(32), random: draw(96) };
  const bundle = (await out.make('form 2', 'bundle-make-2', made)) as Record<string, string>;
  const flipped = (name: string, at: number): string =>
    Buffer.from(flip(toHex(Buffer.from(bundle[name] ?? '', 'base64')), at), 'hex').toString('base64');
  const { phraseByRoot: _, ...without } = bundle;

  const opening = { bundle, wrap: 'root-by-password', key: passwordKey, leastVersion: 1 };
  await out.make('form 2, by the password', 'bundle-open', opening);
  const open = (name: string, changed: Json): void =>
    out.refuse(name, 'bundle-open', { ...opening, bundle: changed }, 'bad-signature');
  open('form 2 without its words', without);
  open('form 2 with a flipped bit of its words', { ...bundle, phraseByRoot: flipped('phraseByRoot', 90) });

  await out.make('of form 2', 'bundle-phrase', { rootKey, bundle });
  const words = (name: string, fault: string, changed: Json, key = rootKey): void =>
    out.refuse(name, 'bundle-phrase', { rootKey: key, bundle: changed }, fault);
  words('of form 1', 'not-kept', without);
  words('with another root key', 'damaged', bundle, draw(32));
  words('with a flipped bit', 'damaged', { ...bundle, phraseByRoot: flipped('phraseByRoot', 90) });
  words('of other words than the account takes', 'damaged', {
    ...bundle,
    recoveryAuthKey: flipped('recoveryAuthKey', 0),
  });
  words('made for a later version', 'damaged', { ...bundle, phraseByRoot: flipped('phraseByRoot', 7) });
  return out.vectors;
}
