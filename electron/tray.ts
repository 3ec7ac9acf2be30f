/** The icon in the panel. */
import path from 'node:path';
import { Menu, nativeImage, nativeTheme, Tray, type MenuItemConstructorOptions } from 'electron';
import { hasTrayHost } from './tray-host.ts';
import { trayIconFile } from './tray-icons.ts';
import type { TrayAction, TrayItem, TrayModel } from './tray-model.ts';

/** Numbers that change all the time are shown so often; a menu that is open would flicker otherwise. */
const EVERY_MS = 1000;
/** At login the panel may start after the app. */
const LOOK_AGAIN_MS = 5000;
const LOOKS = 24;

export interface TrayParts {
  /** Folder of the pictures. */
  readonly assets: string;
  readonly model: () => TrayModel;
  readonly act: (action: TrayAction) => void;
  readonly hostChanged: () => void;
}

export class TrayIconView {
  readonly #parts: TrayParts;
  #tray: Tray | null = null;
  #hasHost = false;
  #shown = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: TrayParts) {
    this.#parts = parts;
    nativeTheme.on('updated', () => {
      this.#shown = '';
      this.update();
    });
  }

  /** Whether this desktop shows it. */
  get isThere(): boolean {
    return this.#hasHost;
  }

  async open(): Promise<void> {
    this.#hasHost = await hasTrayHost();
    // Without a host Electron falls back to the icons of old, which some panels still show.
    this.#make();
    if (!this.#hasHost) this.#lookAgain(LOOKS);
  }

  /** After anything the model depends on has changed. */
  update(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#show();
    }, EVERY_MS);
    const icon = this.#shown.split('\n', 1)[0];
    if (icon !== '' && icon !== this.#parts.model().icon) this.#show();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#tray?.destroy();
    this.#tray = null;
  }

  #make(): void {
    this.#tray?.destroy();
    this.#tray = new Tray(this.#image(this.#parts.model()));
    // Where a click opens the menu instead, the menu has the same.
    this.#tray.on('click', () => {
      if (process.platform !== 'darwin') this.#parts.act({ do: 'open' });
    });
    this.#shown = '';
    this.#show();
  }

  #lookAgain(looks: number): void {
    if (looks === 0) return;
    setTimeout(() => {
      void hasTrayHost().then((found) => {
        if (this.#tray === null) return;
        if (!found) {
          this.#lookAgain(looks - 1);
          return;
        }
        this.#hasHost = true;
        this.#make(); // the one made without a host is of the old kind
        this.#parts.hostChanged();
      });
    }, LOOK_AGAIN_MS).unref();
  }

  #show(): void {
    if (this.#tray === null) return;
    const model = this.#parts.model();
    const shown = `${model.icon}\n${JSON.stringify(model)}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#tray.setImage(this.#image(model));
    this.#tray.setToolTip(model.tooltip);
    // On Linux a menu is set anew after each change.
    this.#tray.setContextMenu(Menu.buildFromTemplate(model.items.map((item) => this.#template(item))));
  }

  #image({ icon }: TrayModel): Electron.NativeImage {
    const file = trayIconFile(icon, process.platform, isDarkPanel());
    return nativeImage.createFromPath(path.join(this.#parts.assets, 'tray', file));
  }

  #template(item: TrayItem): MenuItemConstructorOptions {
    switch (item.kind) {
      case 'separator':
        return { type: 'separator' };
      case 'text':
        return { label: item.label, enabled: false };
      case 'action':
        return { label: item.label, click: () => this.#parts.act(item.action) };
      case 'menu':
        return { label: item.label, submenu: item.items.map((one) => this.#template(one)) };
    }
  }
}

/** The panel follows the system, not the theme chosen for the window. Electron 25 does not tell them apart. */
function isDarkPanel(): boolean {
  const system = (nativeTheme as { shouldUseDarkColorsForSystemIntegratedUI?: boolean })
    .shouldUseDarkColorsForSystemIntegratedUI;
  if (process.platform === 'linux') {
    // GNOME's panel is dark in both of its themes.
    if (/gnome|unity/i.test(process.env['XDG_CURRENT_DESKTOP'] ?? '')) return true;
  }
  return system ?? nativeTheme.shouldUseDarkColors;
}
