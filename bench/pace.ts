/** A line as slow and as long as one over the Internet: every byte waits its turn, and then travels. */
import type { Socket } from 'node:net';

export interface Pace {
  readonly roundTripMs: number;
  /** Each way. */
  readonly bytesPerSecond: number;
}

/** More than this does not wait in the line: who sends more is held back, as by a full window. */
const MOST_WAITING = 512 * 1024;

interface Piece {
  readonly bytes: Buffer;
  readonly from: Socket;
  readonly to: Socket;
  readonly arrivesAtMs: number;
}

/** One direction, shared by all connections of a device. */
export class PacedLine {
  readonly #pace: Pace;
  /** In the order in which they arrive: one timer for all, for two could change places. */
  readonly #pieces: Piece[] = [];
  #timer: NodeJS.Timeout | null = null;
  #freeAtMs = 0;
  #waiting = 0;
  readonly #held = new Set<Socket>();

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** Carries what one socket reads to another. A connection's first byte waits for its handshake too. */
  join(from: Socket, to: Socket): void {
    const openAtMs = performance.now() + this.#pace.roundTripMs;
    from.on('data', (bytes: Buffer) => {
      const { bytesPerSecond, roundTripMs } = this.#pace;
      const beginsAtMs = Math.max(performance.now(), this.#freeAtMs, openAtMs);
      this.#freeAtMs = beginsAtMs + (bytes.length / bytesPerSecond) * 1000;
      this.#waiting += bytes.length;
      if (this.#waiting > MOST_WAITING) {
        from.pause();
        this.#held.add(from);
      }
      this.#pieces.push({ bytes, from, to, arrivesAtMs: this.#freeAtMs + roundTripMs / 2 });
      this.#wait();
    });
    // After all that is still on its way.
    from.on('end', () => {
      const end = { bytes: Buffer.alloc(0), from, to, arrivesAtMs: Math.max(this.#freeAtMs, openAtMs) };
      this.#pieces.push(end);
      this.#wait();
    });
    from.on('close', () => this.#held.delete(from));
  }

  #wait(): void {
    const [next] = this.#pieces;
    if (next === undefined || this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#deliver();
        this.#wait();
      },
      Math.max(0, next.arrivesAtMs - performance.now()),
    );
  }

  #deliver(): void {
    const nowMs = performance.now();
    for (
      let next = this.#pieces[0];
      next !== undefined && next.arrivesAtMs <= nowMs;
      next = this.#pieces[0]
    ) {
      this.#pieces.shift();
      this.#waiting -= next.bytes.length;
      if (next.bytes.length === 0) next.to.end();
      else if (next.to.writable) next.to.write(next.bytes);
    }
    if (this.#waiting > MOST_WAITING) return;
    for (const socket of this.#held) socket.resume();
    this.#held.clear();
  }
}
