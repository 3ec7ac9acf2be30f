/** What a command works with: the engine of the home, secrets, and where its output goes. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ControlMethod, ControlParams, ControlResult } from '../protocol/control.ts';
import { controlEndpoint, homeFolder, type ControlEndpoint } from '../protocol/control-endpoint.ts';
import { PersonError } from '../protocol/errors.ts';
import type { ControlClient } from '../sync-engine/client/client.ts';
import { connectEngine } from '../sync-engine/client/connect.ts';
import { progressView } from './progress.ts';
import { Secrets } from './secrets.ts';
import type { Terminal } from './terminal.ts';

export class CommandContext {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly home: string;
  readonly secrets: Secrets;
  #engine: Promise<ControlClient> | null = null;

  constructor(terminal: Terminal, json: boolean) {
    this.terminal = terminal;
    this.json = json;
    this.home = homeFolder(terminal.env);
    this.secrets = new Secrets(terminal);
  }

  get endpoint(): ControlEndpoint {
    return controlEndpoint(this.home);
  }

  /** The engine, started when it does not run. */
  engine(): Promise<ControlClient> {
    this.#engine ??= this.connect(this.home);
    return this.#engine;
  }

  connect(home: string): Promise<ControlClient> {
    const { engine, env } = this.terminal;
    return connectEngine({ home, program: engine, env });
  }

  /** One call, with its progress shown and Ctrl-C passed on. A locked device opens with COFFRE_PASSWORD. */
  async call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<ControlResult<M>> {
    const engine = await this.engine();
    try {
      return await this.callOn(engine, method, params);
    } catch (error) {
      const isLocked = error instanceof PersonError && error.code === 'locked' && method !== 'unlock';
      if (!isLocked || !(await this.unlock(engine))) throw error;
      return this.callOn(engine, method, params);
    }
  }

  /** Opens a locked device with COFFRE_PASSWORD. False when it is not set. @throws PersonError('refused') */
  async unlock(engine: ControlClient): Promise<boolean> {
    const password = this.terminal.env['COFFRE_PASSWORD'];
    if (password === undefined || password === '') return false;
    await this.callOn(engine, 'unlock', { password });
    return true;
  }

  async callOn<M extends ControlMethod>(
    engine: ControlClient,
    method: M,
    params: ControlParams<M>,
  ): Promise<ControlResult<M>> {
    const view = progressView(this.terminal, this.json);
    try {
      const { signal } = this.terminal;
      return await engine.call(method, params, { signal, onProgress: (progress) => view.show(progress) });
    } finally {
      view.end();
    }
  }

  /** A path of this machine, absolute. */
  local(given: string): string {
    return path.resolve(this.terminal.cwd, given);
  }

  /** The PEM of a private authority. @throws PersonError('bad-input') */
  async authority(file: string | undefined): Promise<{ caPem?: string }> {
    if (file === undefined) return {};
    try {
      return { caPem: await readFile(this.local(file), 'utf8') };
    } catch (error) {
      throw new PersonError('bad-input', `the file of the authority cannot be read: ${file}`, 'Check --ca.', {
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    this.secrets.close();
    if (this.#engine === null) return;
    const engine = await this.#engine.catch(() => null); // told by the call that asked for it
    await engine?.close();
  }
}
