/** Two people in two corners of one folder, so that what it must hold in the end is known to the byte. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Device } from '../integration/harness.ts';

/** Bytes that are the same for the same name, unlike any other. */
export function bytesOf(name: string, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let length = 0, block = 0; length < size; block += 1) {
    const part = createHash('sha512').update(`${name} ${block}`).digest();
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** What one person has in a corner: paths to contents. Changes are made on disk and written down here. */
export class Corner {
  readonly files = new Map<string, Buffer>();
  readonly #device: Device;
  readonly #name: string;
  #round = 0;

  constructor(device: Device, name: string) {
    this.#device = device;
    this.#name = name;
    mkdirSync(device.path(name));
  }

  #at(file: string): string {
    return this.#device.path(this.#name, file);
  }

  #write(file: string, size: number): void {
    const bytes = bytesOf(`${this.#name} ${this.#round} ${file}`, size);
    mkdirSync(path.dirname(this.#at(file)), { recursive: true });
    writeFileSync(this.#at(file), bytes);
    this.files.set(file, bytes);
  }

  /** New files small and large, edits, moves, a deletion, a mode: a little of everything, another each time. */
  change(): void {
    this.#round += 1;
    const round = this.#round;
    for (let file = 0; file < 12; file += 1) this.#write(`new ${round}/file ${file}`, 200 + 977 * file);
    this.#write(`large ${round}`, 700_000);
    const [first, second, third] = [...this.files.keys()].filter((file) =>
      file.startsWith(`new ${round - 1}/`),
    );
    if (first !== undefined) this.#write(first, 5000 + round);
    if (second !== undefined) {
      const to = `moved ${round}`;
      renameSync(this.#at(second), this.#at(to));
      this.files.set(to, this.files.get(second) ?? Buffer.alloc(0));
      this.files.delete(second);
    }
    if (third !== undefined) {
      rmSync(this.#at(third));
      this.files.delete(third);
    }
    chmodSync(this.#at(`large ${round}`), 0o755);
  }

  /** `corner/path` to the SHA-256 that must be there. */
  expected(): [string, string][] {
    return [...this.files].map(([file, bytes]) => [
      `${this.#name}/${file}`,
      createHash('sha256').update(bytes).digest('hex'),
    ]);
  }
}

/** The files of a folder as `expected` gives them, all corners together. */
export function expectedPrint(corners: readonly Corner[]): string[] {
  return corners
    .flatMap((corner) => corner.expected())
    .map(([file, hash]) => `${JSON.stringify(file)} ${hash}`)
    .sort();
}
