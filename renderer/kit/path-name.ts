/**
 * Names come from other devices and may be made to mislead: characters that turn the direction of the text or
 * cannot be seen are shown as their code, so that `gpj.exe` cannot pose as `exe.jpg`.
 */
const MISLEADING =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

export function visibleName(name: string): string {
  return name.replace(MISLEADING, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\u2039U+${code.toString(16).toUpperCase().padStart(4, '0')}\u203a`;
  });
}

/** Folder and name, each made visible. `VAULT:/a/b` and local paths of both kinds alike; a folder has no end. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const trimmed = path.length > 1 ? path.replace(/[/\\]+$/, '') : path;
  const at = Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('\\'));
  return {
    folder: visibleName(at <= 0 ? '' : trimmed.slice(0, at)),
    name: visibleName(trimmed.slice(at + 1)),
  };
}

/** Head and tail of a name, so that what is cut is the middle: the end has the type and the number. */
export function splitName(name: string, tailLength = 14): { readonly head: string; readonly tail: string } {
  const letters = Array.from(name);
  if (letters.length <= tailLength + 8) return { head: name, tail: '' };
  let at = letters.length - tailLength;
  // A character's code stays whole.
  const code = letters.slice(at).findIndex((letter) => letter === '\u2039' || letter === '\u203a');
  if (code !== -1 && letters[at + code] === '\u203a') at = letters.lastIndexOf('\u2039', at);
  return { head: letters.slice(0, at).join(''), tail: letters.slice(at).join('') };
}
