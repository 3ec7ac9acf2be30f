/**
 * The app's own file in the home (`app.json`): settings, and the unlock key as the OS keychain sealed it. A file
 * that does not read is set aside, never overwritten: it may hold the only copy of the sealed key.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { appSettingsSchema, type AppSettings } from '../protocol/app.ts';

const sealedKeySchema = z.object({
  /** Which keychain of the system sealed it. */
  backend: z.string(),
  /** base64 */
  sealed: z.string(),
});
export type SealedKey = z.infer<typeof sealedKeySchema>;

const fileSchema = z.object({
  version: z.literal(1),
  settings: appSettingsSchema.partial(),
  unlockKey: sealedKeySchema.nullable(),
});

type Changes = { [Name in keyof AppSettings]?: AppSettings[Name] | undefined };

const DEFAULTS: AppSettings = {
  language: 'system',
  theme: 'system',
  startAtLogin: false,
  notifications: true,
  autoUpdate: true,
};

export class AppFile {
  readonly #file: string;
  #settings: AppSettings;
  #unlockKey: SealedKey | null;
  /** Whether the app has written this home before. */
  readonly isNew: boolean;

  private constructor(file: string, content: z.infer<typeof fileSchema> | null) {
    this.#file = file;
    this.#settings = { ...DEFAULTS, ...given(content?.settings ?? {}) };
    this.#unlockKey = content?.unlockKey ?? null;
    this.isNew = content === null;
  }

  static open(home: string): AppFile {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const file = path.join(home, 'app.json');
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new AppFile(file, null);
    }
    const content = parse(text);
    if (content === null) renameSync(file, `${file}.damaged-${Date.now()}`);
    return new AppFile(file, content);
  }

  get settings(): AppSettings {
    return this.#settings;
  }

  change(changes: Changes): AppSettings {
    this.#settings = { ...this.#settings, ...given(changes) };
    this.#write();
    return this.#settings;
  }

  get unlockKey(): SealedKey | null {
    return this.#unlockKey;
  }

  keepUnlockKey(key: SealedKey | null): void {
    this.#unlockKey = key;
    this.#write();
  }

  #write(): void {
    const content = { version: 1, settings: this.#settings, unlockKey: this.#unlockKey };
    const fresh = `${this.#file}.new`;
    writeFileSync(fresh, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(fresh, this.#file);
  }
}

/** Without what is named but has no value. */
function given(changes: Changes): Partial<AppSettings> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function parse(text: string): z.infer<typeof fileSchema> | null {
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
