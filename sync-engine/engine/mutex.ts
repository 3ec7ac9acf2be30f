/** Runs one async task at a time, in the order asked. A failed task does not stop the next. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Tasks running or waiting. */
  get busy(): number {
    return this.#waiting;
  }

  run<T>(task: () => Promise<T> | T): Promise<T> {
    this.#waiting += 1;
    const result = this.#tail.then(task).finally(() => {
      this.#waiting -= 1;
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
