/** A program of Coffre whose durable steps are told, and which can be killed at any of them (durable-steps.ts). */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const PRELOAD = path.join(import.meta.dirname, 'durable-steps.ts');

/** A place to die: before or after the call of that name. */
export interface Point {
  readonly side: 'before' | 'after';
  readonly name: string;
}

export class Steps {
  readonly #place: string;

  /** @param place a folder of its own */
  constructor(place: string) {
    this.#place = place;
    mkdirSync(place, { recursive: true });
  }

  #read(file: string): string {
    try {
      return readFileSync(path.join(this.#place, file), 'utf8');
    } catch {
      return '';
    }
  }

  /** For a program that is started by its own Node. */
  get env(): NodeJS.ProcessEnv {
    return {
      NODE_OPTIONS: `--import=${PRELOAD}`,
      NODE_COMPILE_CACHE: path.join(this.#place, 'compiled'),
      COFFRE_TEST_STEPS: this.#place,
    };
  }

  /** A program to be given as COFFRE_NODE, so that the engine alone is meant and not the command that starts it. */
  node(): string {
    const file = path.join(this.#place, 'node');
    const set = `COFFRE_TEST_STEPS='${this.#place}' NODE_COMPILE_CACHE='${this.#place}/compiled'`;
    writeFileSync(file, `#!/bin/sh\n${set} exec '${process.execPath}' '--import=${PRELOAD}' "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  }

  /** From the next time it comes there, the program dies. */
  arm({ side, name }: Point): void {
    rmSync(path.join(this.#place, 'killed'), { force: true });
    writeFileSync(path.join(this.#place, 'armed'), `${side} ${name}`);
  }

  disarm(): void {
    rmSync(path.join(this.#place, 'armed'), { force: true });
  }

  /** Where it died; empty when it did not. */
  get killed(): string {
    return this.#read('killed').trim();
  }

  /** Every step it came by so far. */
  get met(): ReadonlySet<string> {
    return new Set(this.#read('met').split('\n').filter(Boolean));
  }
}
