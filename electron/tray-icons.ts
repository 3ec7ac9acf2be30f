/**
 * Names of the tray's pictures, which a script draws into electron/assets/tray/: for each state one for light
 * panels (dark ink), one for dark panels (light ink), and one template for the menu bar of macOS.
 *   STATE-light.png, STATE-light@2x.png, STATE-dark.png, STATE-dark@2x.png   22 and 44 pixels
 *   STATE-Template.png, STATE-Template@2x.png                                16 and 32 pixels, black and alpha
 */
export const trayIcons = [
  'idle',
  'syncing',
  'paused',
  'offline',
  'attention',
  'quota',
  'locked',
  'signed-out',
  /** A device joined the account or left it: look whether it was you. */
  'notice',
  /** The engine does not run. */
  'failed',
] as const;
export type TrayIcon = (typeof trayIcons)[number];

export function trayIconFile(icon: TrayIcon, platform: NodeJS.Platform, isDarkPanel: boolean): string {
  // Electron finds the picture for high densities (@2x) by itself, and a template by its name.
  if (platform === 'darwin') return `${icon}-Template.png`;
  // One file with each size that its scalings ask for.
  if (platform === 'win32') return `${icon}-${isDarkPanel ? 'dark' : 'light'}.ico`;
  return `${icon}-${isDarkPanel ? 'dark' : 'light'}.png`;
}
