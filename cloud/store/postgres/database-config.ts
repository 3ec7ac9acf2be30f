/** Which database, and how much of it one node uses. */

export interface DatabaseConfig {
  /** `postgres://USER:PASSWORD@HOST:PORT/NAME`: a secret. */
  readonly url: string;
  readonly maxConnections: number;
}
