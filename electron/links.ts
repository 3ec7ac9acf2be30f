/** Addresses outside the app that its window may open, by name. They are the build's: package.json names them. */
import { z } from 'zod';
import packageFile from '../package.json' with { type: 'json' };
import { appLinks, type AppLink } from '../protocol/app.ts';
import { PersonError } from '../protocol/errors.ts';

const address = z.url({ protocol: /^https$/ });
const packageSchema = z.object({
  homepage: address.optional(),
  bugs: z.object({ url: address }).optional(),
  repository: z.object({ url: address }).optional(),
});

function addressesOf(description: unknown): Readonly<Record<AppLink, string | undefined>> {
  const { homepage, bugs, repository } = packageSchema.parse(description);
  return { help: homepage, source: repository?.url, report: bugs?.url };
}

/** Only these are offered. */
export function namedLinks(description: unknown = packageFile): AppLink[] {
  const addresses = addressesOf(description);
  return appLinks.filter((link) => addresses[link] !== undefined);
}

/** @throws PersonError('not-found') when this build names no address for it */
export function linkAddress(link: AppLink, description: unknown = packageFile): string {
  const found = addressesOf(description)[link];
  if (found !== undefined) return found;
  throw new PersonError(
    'not-found',
    'this build of Coffre names no page on the Internet for this',
    'What came with the program is in its docs folder.',
  );
}
