import { listedBlobs, type BlobStore } from '../store/blob-store.ts';
import type { NamedPack } from './named-packs.ts';
import type { PackJournal } from './pack-journal.ts';

/** At a time: a store in the network takes its time for each. */
const AT_ONCE = 6;

export interface MovedPacks {
  /** Of the size and hash of their names on the other side. */
  readonly packs: number;
  readonly copiedBytes: number;
  /** What is missing or damaged where it should come from, one line each. */
  readonly damage: readonly string[];
}

/**
 * Brings packs to the other side, where each is read back and held against its name. What the journal has, and the
 * other side lists with its size, was read back before; what the other side has is not sent again.
 */
export async function movePacks(
  packs: readonly NamedPack[],
  { from, to, journal }: { readonly from: BlobStore; readonly to: BlobStore; readonly journal: PackJournal },
  moved: (count: number) => void,
): Promise<MovedPacks> {
  const damage: string[] = [];
  let [copiedBytes, sound] = [0, 0];
  const listed = new Map<string, number>();
  for await (const { name, size } of listedBlobs(to)) listed.set(name.pack, size);
  const waiting = packs.filter(({ name, size }) => listed.get(name.pack) !== size || !journal.has(name));
  sound += packs.length - waiting.length;
  const bring = async ({ name, size }: NamedPack): Promise<boolean> => {
    const there = listed.has(name.pack) ? await to.verify(name, size) : 'missing';
    if (there === 'sound') return true;
    // A key is written once: what lies there in its place has to go first.
    if (there === 'damaged') await to.remove(name);
    const bytes = await from.get(name, 0, size);
    const put = bytes === null ? 'missing' : await to.put(name, size, bytes);
    if (put !== 'stored') {
      damage.push(`pack ${name.pack}: missing or damaged`);
      return false;
    }
    copiedBytes += size;
    if ((await to.verify(name, size)) === 'sound') return true;
    damage.push(`pack ${name.pack}: it was sent, and is another on the other side`);
    return false;
  };
  for (let at = 0; at < waiting.length; at += AT_ONCE) {
    const some = waiting.slice(at, at + AT_ONCE);
    const arrived = await Promise.all(some.map(bring));
    const names = some.filter((_pack, index) => arrived[index]).map(({ name }) => name);
    if (names.length > 0) await journal.add(names);
    sound += names.length;
    moved(sound);
  }
  return { packs: sound, copiedBytes, damage };
}
