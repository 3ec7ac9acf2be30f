/** Addresses outside the app that its window may open, by name. They are the build's: package.json names them. */
import { z } from 'zod';
import packageFile from '../package.json' with { type: 'json' };
import type { appLinks } from '../protocol/app.ts';
import { PersonError } from '../protocol/errors.ts';

type AppLink = (typeof appLinks)[number];

const address = z.url({ protocol: /^https$/ });
const packageSchema = z.object({
  homepage: address.optional(),
  bugs: z.object({ url: address }).optional(),
  repository: z.object({ url: address }).optional(),
});

/** @throws PersonError('not-found') when this build names no address for it */
export function linkAddress(link: AppLink, description: unknown = packageFile): string {
  const { homepage, bugs, repository } = packageSchema.parse(description);
  const addresses: Readonly<Record<AppLink, string | undefined>> = {
    help: homepage,
    source: repository?.url,
    licences: repository?.url,
    report: bugs?.url,
  };
  const found = addresses[link];
  if (found !== undefined) return found;
  throw new PersonError(
    'not-found',
    'this build of Coffre names no page on the Internet for this',
    'What came with the program is in its docs folder.',
  );
}
