/**
 * The server for what a person waits for: a proof of everything, an export, a list of years. One request of a
 * thousand that broke off, because a server behind the address went away, is asked again rather than all of them.
 */
import type { Cloud } from '../remote/cloud.ts';
import { insist, type AccountTools } from './tools.ts';

/** All but the events is safe to repeat. */
export function patientCloud(cloud: Cloud, tools: AccountTools): Cloud {
  const patiently = <T>(work: () => Promise<T>): Promise<T> => insist(tools, work);
  return {
    account: () => patiently(() => cloud.account()),
    vaults: () => patiently(() => cloud.vaults()),
    chain: (...args) => patiently(() => cloud.chain(...args)),
    changes: (...args) => patiently(() => cloud.changes(...args)),
    state: (...args) => patiently(() => cloud.state(...args)),
    headers: (...args) => patiently(() => cloud.headers(...args)),
    history: (...args) => patiently(() => cloud.history(...args)),
    headAt: (...args) => patiently(() => cloud.headAt(...args)),
    epochs: (...args) => patiently(() => cloud.epochs(...args)),
    commit: (...args) => patiently(() => cloud.commit(...args)),
    putPack: (...args) => patiently(() => cloud.putPack(...args)),
    getPack: (...args) => patiently(() => cloud.getPack(...args)),
    lease: (...args) => patiently(() => cloud.lease(...args)),
    purge: (...args) => patiently(() => cloud.purge(...args)),
    events: (handlers) => cloud.events(handlers),
  };
}
