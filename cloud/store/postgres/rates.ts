import { blob } from '../columns.ts';
import type { RateStore } from '../metadata-store.ts';
import type { Database } from './database.ts';

/** What the bucket holds by now; `r` is its row. */
const FILLED = `least($2::float8, r.tokens + greatest(0, $5::bigint - r.at_ms) * $3::float8 / 60000)`;

export function postgresRates(database: Database): RateStore {
  return {
    async draw(key, { burst, perMinute }, wanted, nowMs) {
      const row = await database.get<{ given: number; tokens: number }>(
        `INSERT INTO rates AS r (key, tokens, given, at_ms) VALUES ($1, $2::float8 - $4::int, $4, $5)
         ON CONFLICT (key) DO UPDATE SET
           given = least($4, floor(${FILLED})::int),
           tokens = ${FILLED} - least($4, floor(${FILLED})::int),
           at_ms = greatest(r.at_ms, $5)
         RETURNING given, tokens`,
        blob(key),
        burst,
        perMinute,
        wanted,
        nowMs,
      );
      if (row === null) throw new Error('an upsert returns its row');
      return { tokens: row.given, missing: Math.max(0, 1 - row.tokens) };
    },
  };
}
