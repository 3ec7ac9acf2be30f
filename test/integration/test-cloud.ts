/**
 * The account server that the devices of a test speak to. Whichever it is, they must not notice: the variable
 * COFFRE_TEST_CLOUD chooses for a whole run.
 */
import { chosenKind, type CloudKind, type TestCloud } from './cloud-kinds.ts';
import { Server } from './server.ts';

/**
 * Not started yet.
 * @param place a folder of its own
 * @param options further options of `coffre-cloud serve`; those that say where things are kept say what kind it is
 */
export async function makeTestCloud(
  place: string,
  options: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  kind: CloudKind = chosenKind(),
): Promise<TestCloud> {
  if (kind === 'embedded' || options.includes('--s3-endpoint')) return new Server(place, options, env);
  const { ScaledStorage } = await import('../scaled/scaled-storage.ts');
  const storage = await ScaledStorage.make();
  const all = [...storage.options, ...options];
  const environment = { ...storage.env, ...env };
  if (kind === 'scaled') return new Server(place, all, environment, storage);
  const { NodesCloud } = await import('../scaled/nodes-cloud.ts');
  return NodesCloud.make(place, { options: all, env: environment }, storage);
}
