/**
 * What the app's window may ask of the app: the control API of the engine, relayed, and a few things that only
 * the app can do. One request channel and one event channel; both ends parse what comes in. The window never
 * sees a key: the app adds the unlock key of the OS keychain to the calls that need one.
 */
import { z } from 'zod';
import { controlErrorSchema, controlEvents } from './control.ts';
import { localPath } from './control-shapes.ts';

/** Pages outside the app that it may open in the browser; addresses are the app's own (electron/links.ts). */
export const appLinks = ['help', 'source', 'report'] as const;
export type AppLink = (typeof appLinks)[number];

/** Views a notification, the tray or a `coffre://` link may lead to. */
const appViews = ['welcome', 'status', 'history', 'settings'] as const;

const languages = ['system', 'en', 'fr'] as const;
const themes = ['system', 'light', 'dark'] as const;

export const appSettingsSchema = z.object({
  language: z.enum(languages),
  theme: z.enum(themes),
  startAtLogin: z.boolean(),
  notifications: z.boolean(),
  /** Look for a new version now and then; only where `updates` of the app's information is not `off`. */
  autoUpdate: z.boolean(),
});
export type AppSettings = z.infer<typeof appSettingsSchema>;

const updateStateSchema = z.object({
  /** `off`: no update address is configured in this build. */
  state: z.enum(['off', 'idle', 'checking', 'downloading', 'ready', 'failed']),
  /** Of the version found. */
  version: z.string().nullable(),
  message: z.string().nullable(),
});
export type UpdateState = z.infer<typeof updateStateSchema>;

/** How the engine's process fares; `status` of the control API says how syncing does. */
const engineProcessSchema = z.object({
  state: z.enum(['starting', 'running', 'failed']),
  /** Why it failed, and what to do; null while it has not. */
  error: controlErrorSchema.nullable(),
});
export type EngineProcess = z.infer<typeof engineProcessSchema>;

const appInfoSchema = z.object({
  version: z.string(),
  platform: z.string(),
  /** Of the person's system, for `language: system`. */
  systemLanguage: z.string(),
  /** The language in force. */
  language: z.enum(['en', 'fr']),
  /** `passphrase`: this system has no safe keychain, so the account password unlocks at every start. */
  keychain: z.enum(['os', 'passphrase']),
  /** False where the desktop shows no tray icons: the window then says how to come back to it. */
  tray: z.boolean(),
  /** Whether start at login can be set here. */
  canStartAtLogin: z.boolean(),
  /** Offered as the folder of a new account. */
  defaultFolder: z.string(),
  deviceName: z.string(),
  /** Those that this build has an address for. */
  links: z.array(z.enum(appLinks)),
  update: updateStateSchema,
  engine: engineProcessSchema,
  settings: appSettingsSchema,
});
export type AppInfo = z.infer<typeof appInfoSchema>;

const nothing = z.object({});

export const appMethods = {
  'app.info': { params: nothing, result: appInfoSchema },
  'app.settings': { params: appSettingsSchema.partial(), result: appSettingsSchema },
  /** The system's own dialog. Null: the person chose none. */
  'folder.choose': {
    params: z.object({ current: localPath.optional() }),
    result: z.object({ folder: z.string().nullable() }),
  },
  /** In the file manager. Only linked folders and what lies in them. @throws not-found, bad-input */
  'path.open': { params: z.object({ path: localPath, reveal: z.boolean().default(false) }), result: nothing },
  /** Starts the embedded account server of this computer (or finds it running). @throws failed */
  'server.local': { params: nothing, result: z.object({ url: z.string() }) },
  /** @throws not-found (this build has no address for it) */
  'link.open': { params: z.object({ link: z.enum(appLinks) }), result: nothing },
  /** Asks the system's print dialog for what the window shows now; false when the person cancelled. */
  'window.print': { params: nothing, result: z.object({ printed: z.boolean() }) },
  'engine.restart': { params: nothing, result: engineProcessSchema },
  'update.check': { params: nothing, result: updateStateSchema },
  /** Ends the app and starts the new version. @throws bad-input (none is ready) */
  'update.install': { params: nothing, result: nothing },
  'app.quit': { params: nothing, result: nothing },
} as const;
type AppMethods = typeof appMethods;
export type AppMethod = keyof AppMethods;
export type AppParams<M extends AppMethod> = z.input<AppMethods[M]['params']>;
export type AppRequest<M extends AppMethod> = z.output<AppMethods[M]['params']>;
export type AppResult<M extends AppMethod> = z.output<AppMethods[M]['result']>;

/** What the app pushes, beside the engine's events. */
export const appEvents = {
  ...controlEvents,
  engine: engineProcessSchema,
  settings: appSettingsSchema,
  update: updateStateSchema,
  navigate: z.object({
    view: z.enum(appViews),
    /** Of settings: which page. */
    page: z.string().max(40).nullable(),
    /** The issue that a notification was about. */
    issue: z.number().int().nullable(),
  }),
} as const;
export type AppEventName = keyof typeof appEvents;
export type AppEventData<E extends AppEventName> = z.output<(typeof appEvents)[E]>;

/** `to` says who answers. `request` names the call, so that its progress and its cancelling find it. */
export const bridgeRequestSchema = z.object({
  to: z.enum(['app', 'engine']),
  request: z.number().int().nonnegative(),
  method: z.string().max(64),
  params: z.unknown(),
});
export type BridgeRequest = z.infer<typeof bridgeRequestSchema>;
export const bridgeAnswerSchema = z.union([
  z.object({ error: controlErrorSchema }),
  z.object({ result: z.unknown() }),
]);
export type BridgeAnswer = z.infer<typeof bridgeAnswerSchema>;
export const bridgeEventSchema = z.object({ event: z.string().max(64), data: z.unknown() });

/** What the preload script puts on the window as `coffre`. */
export interface AppBridge {
  request(request: BridgeRequest): Promise<unknown>;
  /** Returns what ends it. */
  onEvent(listener: (event: unknown) => void): () => void;
}
