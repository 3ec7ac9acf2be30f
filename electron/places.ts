/** Where things lie, seen from the main process's own file. */
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

/** @param mainFolder of electron/main.cjs: in dist/, or in the archive of a package */
export function placesOf(mainFolder: string): Places {
  const built = path.dirname(mainFolder);
  // In a package the programs lie beside the archive, where any Node can run them (build/package/stage.mjs).
  const programs = path.extname(built) === '.asar' ? path.join(built, '..', 'programs') : built;
  return {
    renderer: path.join(built, 'renderer'),
    preload: path.join(mainFolder, 'preload.cjs'),
    assets: path.join(mainFolder, 'assets'),
    engine: path.join(programs, 'sync-engine', 'main.js'),
    server: path.join(programs, 'cloud', 'main.js'),
  };
}
