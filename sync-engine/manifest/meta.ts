/** Small named values of the device, a vault or a pair. */
import type { Shared } from './rows.ts';

export interface MetaStore {
  meta(key: string): string | null;
  setMeta(key: string, value: string | null): void;
}

/** @param scope '' for the device, else the owner's kind and key. */
export function metaStore({ database }: Shared, scope: string): MetaStore {
  const read = database
    .prepare<[string, string], string>('SELECT value FROM meta WHERE scope = ? AND key = ?')
    .pluck();
  const write = database.prepare<[string, string, string]>(
    `INSERT INTO meta (scope, key, value) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value`,
  );
  const remove = database.prepare<[string, string]>('DELETE FROM meta WHERE scope = ? AND key = ?');
  return {
    meta: (key) => read.get(scope, key) ?? null,
    setMeta(key, value) {
      if (value === null) remove.run(scope, key);
      else write.run(scope, key, value);
    },
  };
}
