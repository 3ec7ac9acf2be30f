/** An answer of the server as it was recorded, and as the bytes of a connection. */

export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** What is written to the connection, and what becomes of that then. */
export interface Wire {
  readonly pieces: readonly Buffer[];
  /** Between two pieces. */
  readonly gapMs: number;
  /** `drip`: a byte every now and then, for ever. */
  readonly end: 'open' | 'cut' | 'silent' | 'drip';
}

/** @param length what `content-length` says; null for none */
export function bytesOf(answer: Answer, length: string | null = String(answer.body.length)): Buffer {
  const lines = [`HTTP/1.1 ${String(answer.status).padStart(3, '0')} Said`];
  for (const [name, value] of answer.headers) lines.push(`${name}: ${value}`);
  if (length !== null && answer.status !== 101 && answer.status !== 204)
    lines.push(`content-length: ${length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), answer.body]);
}

export function wireOf(answer: Answer): Wire {
  return { pieces: [bytesOf(answer)], gapMs: 0, end: 'open' };
}

export function withHeader(answer: Answer, name: string, value: string | null): Answer {
  const headers = answer.headers.filter(([known]) => known !== name);
  return { ...answer, headers: value === null ? headers : [...headers, [name, value]] };
}

/** A refusal as the server words it. */
export function refusal(status: number, body: unknown): Answer {
  return {
    status,
    headers: [
      ['coffre-protocol', '1'],
      ['content-type', 'application/json; charset=utf-8'],
    ],
    body: Buffer.from(JSON.stringify(body)),
  };
}
