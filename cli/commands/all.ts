/** Every command, in the order of the help. */
import type { Command } from '../command.ts';
import { accountDelete } from './account.ts';
import { activity } from './activity.ts';
import { check } from './check.ts';
import { claim } from './claim.ts';
import { configGet, configSet } from './config.ts';
import { devices, devicesRevoke } from './devices.ts';
import { exportTree } from './export.ts';
import { ignoreTest } from './ignore.ts';
import { issues, issuesResolve } from './issues.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { ls } from './ls.ts';
import { pairAdd, pairList, pairRemove } from './pair.ts';
import { password } from './password.ts';
import { pause, resume } from './pause.ts';
import { quota } from './quota.ts';
import { recover } from './recover.ts';
import { recoveryRenew, recoveryShow } from './recovery.ts';
import { report } from './report.ts';
import { restore } from './restore.ts';
import { select } from './select.ts';
import { serverSet } from './server.ts';
import { serviceInstall } from './service.ts';
import { signup } from './signup.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { stop } from './stop.ts';
import { trashEmpty, trashList, trashRestore } from './trash.ts';
import { unlock } from './unlock.ts';
import { vaultLog, vaultRewind } from './vault.ts';
import { versions } from './versions.ts';
import { wait } from './wait.ts';

export const COMMANDS: readonly Command[] = [
  signup,
  claim,
  login,
  start,
  stop,
  pause,
  resume,
  unlock,
  serviceInstall,
  status,
  wait,
  pairAdd,
  pairList,
  pairRemove,
  select,
  issues,
  issuesResolve,
  activity,
  ls,
  versions,
  restore,
  trashList,
  trashRestore,
  trashEmpty,
  check,
  exportTree,
  devices,
  devicesRevoke,
  vaultLog,
  vaultRewind,
  password,
  recover,
  recoveryShow,
  recoveryRenew,
  logout,
  accountDelete,
  serverSet,
  quota,
  configGet,
  configSet,
  ignoreTest,
  report,
];
