/** `coffre://` links: anybody can make one, so each is one of a few known shapes or nothing. */
import { z } from 'zod';
import type { AppEventData } from '../protocol/app.ts';

export const LINK_SCHEME = 'coffre';
const MAX_LINK = 200;

type Destination = AppEventData<'navigate'>;

const pageSchema = z.string().regex(/^[a-z][a-z-]{0,39}$/);
const issueSchema = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(Number);

/** Null for everything that is not exactly `coffre://status`, `history`, `settings[/PAGE]` or `issue/ID`. */
export function destinationOf(link: string): Destination | null {
  if (link.length > MAX_LINK) return null;
  const [, rest] = /^coffre:\/\/([a-z0-9/-]+)$/.exec(link) ?? [];
  // Browsers and desktops may add the slash that ends a host.
  const [view, detail, ...more] = (rest ?? '').replace(/\/$/, '').split('/');
  if (more.length > 0) return null;
  if (view === 'issue') {
    const issue = issueSchema.safeParse(detail);
    return issue.success ? { view: 'status', page: null, issue: issue.data } : null;
  }
  if (view === 'settings' && detail !== undefined) {
    const page = pageSchema.safeParse(detail);
    return page.success ? { view: 'settings', page: page.data, issue: null } : null;
  }
  if (detail !== undefined || (view !== 'status' && view !== 'history' && view !== 'settings')) return null;
  return { view, page: null, issue: null };
}

/** The link among the arguments of a start, if there is one. */
export function linkAmong(args: readonly string[]): Destination | null {
  const link = args.find((argument) => argument.startsWith(`${LINK_SCHEME}://`));
  return link === undefined ? null : destinationOf(link);
}
