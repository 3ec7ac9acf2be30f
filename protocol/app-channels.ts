/** Names of the app's two IPC channels. Apart from protocol/app.ts, so that the preload script stays small. */
export const APP_REQUEST_CHANNEL = 'coffre:request';
export const APP_EVENT_CHANNEL = 'coffre:event';
