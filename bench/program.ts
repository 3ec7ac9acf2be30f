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
  /** bin/coffre-cloud of the copy, which starts its dist/. */
  readonly cloud: string;
}

/**
 * Copies dist/ to `folder`, built anew when it is not of the present sources; or the build at `dist`, to set
 * two builds against each other.
 */
export async function copyProgram(folder: string, dist: string | null): Promise<Program> {
  if (dist === null) await build();
  mkdirSync(folder, { recursive: true });
  cpSync(dist ?? join(CHECKOUT, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(CHECKOUT, 'bin'), join(folder, 'bin'), { recursive: true });
  cpSync(join(CHECKOUT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(CHECKOUT, 'node_modules'), join(folder, 'node_modules'));
  return { cli: join(folder, 'dist/cli/main.js'), cloud: join(folder, 'bin/coffre-cloud') };
}

async function build(): Promise<void> {
  const script = `import { ensureBuilt } from './build/build.mjs'; ensureBuilt();`;
  const args = ['--input-type=module', '--eval', script];
  await run(process.execPath, args, { cwd: CHECKOUT, timeout: BUILD_MS });
}
