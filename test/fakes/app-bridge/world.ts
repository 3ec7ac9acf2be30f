/** All that a scripted app and its engine know; scenarios change it before a page opens, calls while it is open. */
import type { AppInfo } from '../../../protocol/app.ts';
import type { ControlError, ControlResult } from '../../../protocol/control.ts';
import type { ActivityRow, Status } from '../../../protocol/control-shapes.ts';
import type { TrashEntry, Version } from '../../../protocol/control-tree.ts';

export interface TreeItem {
  readonly name: string;
  readonly type: 'file' | 'folder' | 'symlink';
  readonly size: number;
  readonly mtimeMs: number;
  selected: boolean;
  readonly children: TreeItem[];
}

export type Issue = Status['issues'][number];
export type Device = ControlResult<'devices.list'>['devices'][number];

export interface World {
  /** The clock of page and engine. */
  readonly nowMs: number;
  app: AppInfo;
  status: Status;
  issues: Issue[];
  /** What a mass deletion would take; null when none is asked about. */
  removals: ControlResult<'issues.removals'> | null;
  /** Newest first. */
  activity: ActivityRow[];
  /** By name; the first is the first vault. */
  vaults: Map<string, TreeItem[]>;
  versions: Version[];
  trash: TrashEntry[];
  devices: Device[];
  quota: ControlResult<'quota'>;
  /** How many days ago, and how many changes then; oldest first. */
  changedDays: (readonly [daysAgo: number, changes: number])[];
  ignoreText: string;
  config: Record<string, string | number>;
  /** The person's password. */
  password: string;
  phrase: string;
  /** What a method answers instead; `*` for every method of the engine. */
  trouble: Record<string, ControlError | 'never' | undefined>;
}
