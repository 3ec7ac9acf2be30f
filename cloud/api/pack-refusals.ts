/** Why a pack is not taken. */
import { quotaExceeded } from '../log/log-service.ts';
import { Refusal } from '../refusal.ts';
import type { Reservation } from '../store/metadata-store.ts';
import { notFound } from './errors.ts';

export const deleting = (): Refusal =>
  new Refusal('pack-deleting', 'the pack is being removed: upload its content under another name');

/** Passes where the pack is stored already. @throws Refusal not-found, pack-deleting, quota */
export function refuseUnreserved(reservation: Exclude<Reservation, { kind: 'reserved' }> | null): void {
  if (reservation === null) throw notFound();
  switch (reservation.kind) {
    case 'stored':
      return;
    case 'deleting':
      throw deleting();
    case 'quota':
      throw quotaExceeded(reservation);
  }
}
