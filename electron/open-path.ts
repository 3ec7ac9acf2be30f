/** Which paths of this computer the window may have opened: the linked folders, and what really lies in them. */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { PersonError } from '../protocol/errors.ts';

export type Opening =
  /** In the file manager. */
  | { readonly kind: 'folder' | 'reveal'; readonly path: string }
  /** With the program the system has for it. */
  | { readonly kind: 'file'; readonly path: string };

/** What a click would run instead of show. */
const RUNS =
  /\.(exe|com|bat|cmd|msi|msp|ps1|vbs|vbe|js|jse|wsf|wsh|scr|pif|cpl|hta|lnk|url|reg|jar|app|command|tool|workflow|terminal|inetloc|webloc|fileloc|desktop|sh|run|appimage|py|rb|pl|scpt|action|gadget|msc|application|appref-ms|settingcontent-ms|library-ms|search-ms)$/i;

/**
 * Resolves to what may be done. A program is never opened, only shown in its folder.
 * @param folders of the linked pairs
 * @throws PersonError bad-input (outside), not-found
 */
export async function openingOf(
  folders: readonly string[],
  wanted: string,
  reveal: boolean,
): Promise<Opening> {
  if (!path.isAbsolute(wanted) || wanted.includes('\0')) throw outside();
  // Judged before the disk is asked, so that the answer does not tell what exists elsewhere.
  const asked = path.resolve(wanted);
  if (!folders.some((folder) => isWithin(path.resolve(folder), asked))) throw outside();
  const real = await realOf(asked);
  const roots = await Promise.all(folders.map((folder) => realOf(folder).catch(() => null)));
  // A link inside a pair must not lead out of it.
  if (!roots.some((root) => root !== null && isWithin(root, real))) throw outside();
  const found = await stat(real);
  if (found.isDirectory() && !isBundle(real)) {
    return { kind: reveal && !roots.includes(real) ? 'reveal' : 'folder', path: real };
  }
  const isSafe = found.isFile() && !RUNS.test(real) && !isProgram(real, found.mode);
  return { kind: reveal || !isSafe ? 'reveal' : 'file', path: real };
}

function isWithin(folder: string, place: string): boolean {
  const relative = path.relative(folder, place);
  return (
    relative === '' ||
    (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative))
  );
}

/** Of a file without an extension the mode tells; some disks give that mode to every document. */
function isProgram(file: string, mode: number): boolean {
  return process.platform !== 'win32' && path.extname(file) === '' && (mode & 0o111) !== 0;
}

/** A folder that macOS runs. */
function isBundle(folder: string): boolean {
  return process.platform === 'darwin' && RUNS.test(folder);
}

async function realOf(place: string): Promise<string> {
  try {
    return await realpath(place);
  } catch {
    throw new PersonError(
      'not-found',
      'it is not there any more',
      'It may have been moved or deleted meanwhile.',
    );
  }
}

function outside(): PersonError {
  return new PersonError('bad-input', 'this path is in no linked folder', 'Open it in your file manager.');
}
