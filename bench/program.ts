/** The built program, copied aside: a build of someone else during a long run does not change what is measured. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CHECKOUT = join(import.meta.dirname, '..');
const BUILD_MS = 180_000;
const run = promisify(execFile);

export interface Program {
  /** dist/cli/main.js of the copy. */
  readonly cli: string;
  readonly cloud: string;
}

/** Builds dist/ when it is not of the present sources and copies it to `folder`. */
export async function copyProgram(folder: string): Promise<Program> {
  const script = `import { ensureBuilt } from './build/build.mjs'; ensureBuilt();`;
  await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: CHECKOUT,
    timeout: BUILD_MS,
  });
  mkdirSync(folder, { recursive: true });
  cpSync(join(CHECKOUT, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(CHECKOUT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(CHECKOUT, 'node_modules'), join(folder, 'node_modules'));
  return { cli: join(folder, 'dist/cli/main.js'), cloud: join(folder, 'dist/cloud/main.js') };
}
