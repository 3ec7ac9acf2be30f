/**
 * Carries the engine's events to the window, a few times a second at most: the newest status, the newest issues,
 * and the newest rows of activity. Ten thousand files syncing must not keep the window from drawing.
 */
import type { BroadcastEvent, ControlEventData } from '../protocol/control.ts';

const EVERY_MS = 250;
/** The window shows the newest; the whole is `activity.list`. */
const MAX_ROWS = 200;

export class EventRelay {
  readonly #send: (event: BroadcastEvent) => void;
  #timer: NodeJS.Timeout | null = null;
  #status: ControlEventData<'status'> | null = null;
  #issues: ControlEventData<'issues'> | null = null;
  #rows: ControlEventData<'activity'>['rows'] = [];
  #lastState = '';

  constructor(send: (event: BroadcastEvent) => void) {
    this.#send = send;
  }

  push(event: BroadcastEvent): void {
    switch (event.event) {
      case 'status':
        this.#status = event.data;
        break;
      case 'issues':
        this.#issues = event.data;
        break;
      case 'activity':
        this.#rows.push(...event.data.rows);
        if (this.#rows.length > MAX_ROWS) this.#rows = this.#rows.slice(-MAX_ROWS);
        break;
    }
    // What a person waits for, a state that changes, is told at once.
    if (event.event === 'status' && event.data.state !== this.#lastState) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), EVERY_MS);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const [status, issues, rows] = [this.#status, this.#issues, this.#rows];
    this.#status = null;
    this.#issues = null;
    this.#rows = [];
    if (issues !== null) this.#send({ event: 'issues', data: issues });
    if (rows.length > 0) this.#send({ event: 'activity', data: { rows } });
    if (status !== null) {
      this.#lastState = status.state;
      this.#send({ event: 'status', data: status });
    }
  }
}
