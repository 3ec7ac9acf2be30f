/** Where something of a pair lies on this machine: the engine writes paths with `/` below the pair's folder. */
export function localPathOf(folder: string, path: string): string {
  const isWindows = /^[A-Za-z]:[\\/]|^\\\\/.test(folder);
  const separator = isWindows ? '\\' : '/';
  const below = path.replace(/^\/+/, '');
  return `${folder.replace(/[/\\]+$/, '')}${separator}${isWindows ? below.replaceAll('/', '\\') : below}`;
}
