/** A level that one side raises and another waits for. Raised before anyone waits, it is not lost. */
export class Signal {
  #raised = false;
  #waiting: (() => void)[] = [];

  get isRaised(): boolean {
    return this.#raised;
  }

  raise(): void {
    this.#raised = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  clear(): void {
    this.#raised = false;
  }

  /** Resolves when it is raised, at once when it is already, or when the signal aborts. */
  wait(signal?: AbortSignal): Promise<void> {
    if (this.#raised || signal?.aborted === true) return Promise.resolve();
    return this.next(signal);
  }

  /** Resolves at the next raise, or when the signal aborts. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal?.removeEventListener('abort', go);
        resolve();
      };
      this.#waiting.push(go);
      signal?.addEventListener('abort', go, { once: true });
    });
  }
}
