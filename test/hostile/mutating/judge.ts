/** What may come of an answer: what the genuine one gives, or a refusal that callers know. */
import { PersonError, PERSON_ERROR_EXIT } from '../../../protocol/errors.ts';
import { LogFault } from '../../../sync-engine/engine/log-fault.ts';
import { CloudError } from '../../../sync-engine/remote/cloud.ts';

/** No endpoint is asked for longer: the limits of the client, three attempts, and a busy machine. */
const PATIENCE_MS = 20_000;

export type Outcome = { readonly took: string } | { readonly refused: string };

/** The code of an error that callers tell apart. @throws anything else: the client crashed */
export function refusalOf(error: unknown): string {
  if (error instanceof CloudError) return `cloud ${error.fault}`;
  if (error instanceof LogFault) return `log ${error.code}`;
  if (error instanceof PersonError && error.code in PERSON_ERROR_EXIT) return `person ${error.code}`;
  throw new Error(`an error that no caller knows: ${String(error)}`, { cause: error });
}

/** @throws when it hangs, or ends in an error without a code */
export async function outcomeOf(work: () => Promise<unknown>): Promise<Outcome> {
  const hung = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    hung.reject(new Error('it hangs'));
  }, PATIENCE_MS);
  try {
    const took = await Promise.race([work(), hung.promise]);
    return { took: typeof took === 'string' ? took : JSON.stringify(took) };
  } catch (error) {
    if (error instanceof Error && error.message === 'it hangs') throw error;
    return { refused: refusalOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
