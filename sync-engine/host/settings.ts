/** Settings of this device (`settings.json`), as `coffre config` shows and changes them. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { configKeys, type ConfigKey } from '../../protocol/control-engine.ts';
import { PersonError } from '../../protocol/errors.ts';
import { readIfThere, writeDurably } from '../account/durable-file.ts';
import { damaged, type Home } from '../account/home.ts';
import { TRASH_MAX_AGE_MS, TRASH_MAX_BYTES } from '../local-fs/local-trash.ts';
import { DAY_MS } from '../../protocol/limits.ts';

export type Settings = Record<ConfigKey, string | number>;

function defaults(): Settings {
  return {
    'device-name': hostname(),
    'upload-limit': 0,
    'download-limit': 0,
    'scan-interval': 3600,
    'local-trash-days': Math.round(TRASH_MAX_AGE_MS / DAY_MS),
    'local-trash-bytes': TRASH_MAX_BYTES,
  };
}

export class SettingsFile {
  readonly #path: string;
  #values: Settings;

  private constructor(path: string, values: Settings) {
    this.#path = path;
    this.#values = values;
  }

  /** @throws PersonError home-damaged */
  static async open(home: Home): Promise<SettingsFile> {
    const path = join(home.path, 'settings.json');
    const bytes = await readIfThere(path);
    const values = defaults();
    if (bytes === null) return new SettingsFile(path, values);
    try {
      const kept = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
      for (const key of Object.keys(configKeys) as ConfigKey[]) {
        if (key in kept) values[key] = configKeys[key].schema.parse(kept[key]);
      }
      return new SettingsFile(path, values);
    } catch (error) {
      throw damaged('its settings.json does not read', error);
    }
  }

  get values(): Readonly<Settings> {
    return this.#values;
  }

  number(key: Exclude<ConfigKey, 'device-name'>): number {
    return Number(this.#values[key]);
  }

  /** @throws PersonError bad-input */
  async set(key: ConfigKey, value: string | number): Promise<void> {
    const { schema, about } = configKeys[key];
    const isNumber = key !== 'device-name';
    const parsed = schema.safeParse(isNumber && typeof value === 'string' ? Number(value) : value);
    if (!parsed.success) {
      throw new PersonError('bad-input', `'${value}' is no value for ${key}`, `It is the ${about}.`);
    }
    this.#values = { ...this.#values, [key]: parsed.data };
    await writeDurably(this.#path, `${JSON.stringify(this.#values, null, 2)}\n`);
  }
}
