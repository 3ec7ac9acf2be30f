/** The window's only way out: one request channel, one event channel. Runs sandboxed, bundled to one file. */
import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import type { AppBridge } from '../protocol/app.ts';
import { APP_EVENT_CHANNEL, APP_REQUEST_CHANNEL } from '../protocol/app-channels.ts';

const bridge: AppBridge = {
  request: (request) => ipcRenderer.invoke(APP_REQUEST_CHANNEL, request),
  onEvent: (listener) => {
    const heard = (_: IpcRendererEvent, event: unknown): void => listener(event);
    ipcRenderer.on(APP_EVENT_CHANNEL, heard);
    return () => void ipcRenderer.off(APP_EVENT_CHANNEL, heard);
  },
};
contextBridge.exposeInMainWorld('coffre', bridge);
