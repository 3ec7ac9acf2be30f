/** Which folders are to be on this device, before it is applied: what the engine says, and what a person changed. */

export type Mark = 'on' | 'partly' | 'off';
/** `VAULT:/path` to whether it is to be here. */
export type Changes = ReadonlyMap<string, boolean>;

export interface Listed {
  readonly path: string;
  readonly entry: { readonly selected: boolean; readonly partly?: boolean | undefined };
}

function markOf({ entry }: Listed): Mark {
  if (entry.partly === true) return 'partly';
  return entry.selected ? 'on' : 'off';
}

/** What a folder shows. A folder follows the one above it: it has a choice of its own only where that one is here. */
export function shownMark(
  folder: Listed,
  above: readonly Listed[],
  changes: Changes,
): { mark: Mark; isFixed: boolean } {
  const changedAbove = [...above].reverse().find(({ path }) => changes.has(path));
  if (changedAbove !== undefined)
    return { mark: changes.get(changedAbove.path) === true ? 'on' : 'off', isFixed: true };
  const isOffAbove = above.some((one) => markOf(one) === 'off');
  if (isOffAbove) return { mark: 'off', isFixed: true };
  const own = changes.get(folder.path);
  if (own !== undefined) return { mark: own ? 'on' : 'off', isFixed: false };
  const mark = markOf(folder);
  const prefix = `${folder.path}/`;
  const changedBelow = [...changes].some(([path, on]) => path.startsWith(prefix) && on !== (mark === 'on'));
  return { mark: changedBelow ? 'partly' : mark, isFixed: false };
}

/** A choice for a folder takes the place of all choices beneath it. */
export function withChoice(changes: Changes, folder: Listed, on: boolean): Changes {
  const prefix = `${folder.path}/`;
  const next = new Map([...changes].filter(([path]) => !path.startsWith(prefix)));
  if (markOf(folder) === (on ? 'on' : 'off')) next.delete(folder.path);
  else next.set(folder.path, on);
  return next;
}
