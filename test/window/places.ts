/** Every view and page of the window, as a notification or the tray would lead there. */
import type { Place } from './window.ts';

const settingsPages = ['folders', 'devices', 'account', 'network', 'ignore', 'general', 'about'] as const;

export const places: readonly Place[] = [
  { view: 'status' },
  { view: 'history' },
  ...settingsPages.map((page): Place => ({ view: 'settings', page })),
];

export function placeName(place: Place): string {
  return place.page === undefined ? place.view : `${place.view} ${place.page}`;
}
