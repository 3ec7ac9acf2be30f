import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { EMAIL } from '../../test/fakes/account-world.ts';
import { TamperingProxy } from '../../test/fakes/tampering-proxy.ts';
import { TreeWorld, type TreeUser } from '../../test/fakes/tree-world.ts';
import { LAST_PROVEN } from './proof-of-restore.ts';
import { exportAccount } from './export.ts';
import { hashLine } from './hash-list.ts';

let world: TreeWorld;
let ann: TreeUser;
