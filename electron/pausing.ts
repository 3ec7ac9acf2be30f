/** Pausing for a time: the engine is told to pause, and to go on when the time is over. */
import type { EngineLink } from './engine-link.ts';
import { pauseEnd, type PauseSpan } from './tray-model.ts';

export class Pausing {
  readonly #engine: Pick<EngineLink, 'call'>;
  #timer: NodeJS.Timeout | null = null;

  constructor(engine: Pick<EngineLink, 'call'>) {
    this.#engine = engine;
  }

  async pause(span: PauseSpan): Promise<void> {
    this.#clear();
    await this.#engine.call('pause', {});
    const endMs = pauseEnd(span, Date.now());
    if (endMs === null) return;
    this.#timer = setTimeout(() => void this.resume().catch(() => undefined), endMs - Date.now());
  }

  async resume(): Promise<void> {
    this.#clear();
    await this.#engine.call('resume', {});
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
