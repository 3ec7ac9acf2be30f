/** Shows notices of the desktop, one of a kind at a time. */
import { Notification } from 'electron';
import type { Notice } from './notice-model.ts';

export class Notifications {
  readonly #isWanted: () => boolean;
  readonly #open: (notice: Notice) => void;
  /** Kept, because a notification that is collected no longer hears its click. */
  readonly #shown = new Map<string, Notification>();

  constructor(isWanted: () => boolean, open: (notice: Notice) => void) {
    this.#isWanted = isWanted;
    this.#open = open;
  }

  show(notice: Notice): void {
    if (!this.#isWanted() || !Notification.isSupported()) return;
    this.#shown.get(notice.kind)?.close();
    const notification = new Notification({ title: notice.title, body: notice.body });
    notification.on('click', () => this.#open(notice));
    this.#shown.set(notice.kind, notification);
    notification.show();
  }
}
