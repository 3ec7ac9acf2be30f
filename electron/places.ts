/** Where things lie: in a checkout and in a package alike, beside the main process's own file. */
import path from 'node:path';

export interface Places {
  /** What the window is made of. */
  readonly renderer: string;
  readonly preload: string;
  readonly assets: string;
  /** Main files of the programs that run beside the app. */
  readonly engine: string;
  readonly server: string;
}

/** @param mainFolder of dist/electron/main.cjs */
export function placesOf(mainFolder: string): Places {
  const dist = path.dirname(mainFolder);
  return {
    renderer: path.join(dist, 'renderer'),
    preload: path.join(mainFolder, 'preload.cjs'),
    assets: path.join(mainFolder, 'assets'),
    engine: path.join(dist, 'sync-engine', 'main.js'),
    server: path.join(dist, 'cloud', 'main.js'),
  };
}
