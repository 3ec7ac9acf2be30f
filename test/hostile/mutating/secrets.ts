/** What must never be said to a server in any spelling, and a listener that hears it. */
import { PASSWORD } from '../../fakes/account-world.ts';
import { WORDS, type GenuineLife } from './genuine.ts';

const LONGEST = 400;

/** Returns what takes the bytes as they are sent. @throws on the first that holds a secret */
export function eavesdrop(life: GenuineLife): {
  told(bytes: Buffer): void;
  readonly heard: readonly string[];
} {
  const { phrase, bob } = life;
  const { secrets } = bob.device.secrets;
  const texts = [...Object.values(WORDS), PASSWORD, phrase].map((text) => Buffer.from(text));
  const keys = [
    secrets.signSeed,
    secrets.boxSecret,
    secrets.metadataKey,
    ...secrets.epochKeys.map(({ key }) => key),
  ];
  const needles = [...texts, ...keys.map((key) => Buffer.from(key))].flatMap((secret) => [
    secret,
    Buffer.from(secret.toString('hex')),
    // Wherever in a longer text it begins, some of these three stand in its base64.
    ...[0, 1, 2].map((skip) => base64Within(secret, skip)),
  ]);
  const heard: string[] = [];
  let tail = Buffer.alloc(0);
  return {
    heard,
    told: (bytes) => {
      const said = Buffer.concat([tail, bytes]);
      for (const needle of needles) if (said.includes(needle)) heard.push(needle.toString('latin1'));
      tail = Buffer.from(said.subarray(Math.max(0, said.length - LONGEST)));
    },
  };
}

/** The digits that depend on the secret alone. */
function base64Within(secret: Buffer, skip: number): Buffer {
  const whole = secret.subarray(skip, skip + Math.floor((secret.length - skip) / 3) * 3);
  return Buffer.from(whole.toString('base64'));
}
