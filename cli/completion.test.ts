import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript } from './completion.ts';
import { buildProgram } from './program.ts';

const program = buildProgram({ version: '1', out: () => undefined, run: () => Promise.resolve() });
let folder: string;
beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'coffre-completion-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers for these words; the last is being typed. */
function offered(...words: string[]): string[] {
  const file = path.join(folder, 'coffre.bash');
  writeFileSync(file, completionScript('bash', program));
  const typed = ['coffre', ...words].map((word) => `'${word}'`).join(' ');
  const script = `source '${file}'; COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _coffre; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
}

describe('completion', () => {
  it('offers commands, commands of a group, and options', () => {
    expect(offered('st')).toEqual(['start', 'stop', 'status']);
    expect(offered('trash', '')).toEqual(['list', 'restore', 'empty', '--help']);
    expect(offered('trash', 'restore', '--t')).toEqual(['--to']);
    expect(offered('vault', '')).toEqual(['log', 'rewind', '--help']);
    expect(offered('vault', 'rewind', '--d')).toEqual(['--dry-run']);
    expect(offered('wait', '--json', '--ti')).toEqual(['--timeout']);
  });

  it.each(['zsh', 'fish'] as const)('names every command for %s', (shell) => {
    const script = completionScript(shell, program);
    for (const command of program.commands) expect(script).toContain(command.name());
  });
});
