/** One line that says how the engine stands. */
import type { Status } from '../protocol/control-shapes.ts';
import { bytesText, countText, printable } from './output.ts';
import type { Terminal } from './terminal.ts';

export function statusLine({ state, pending, transfer, issueCount }: Status): string {
  const parts: string[] = [state === 'idle' ? 'in sync' : state];
  if (pending.files > 0)
    parts.push(`${countText(pending.files, 'file')} (${bytesText(pending.bytes)}) to go`);
  const { upBytesPerSecond: up, downBytesPerSecond: down } = transfer;
  if (up > 0) parts.push(`up ${bytesText(Math.round(up))}/s`);
  if (down > 0) parts.push(`down ${bytesText(Math.round(down))}/s`);
  if (issueCount > 0) parts.push(`${countText(issueCount, 'issue')}: bin/coffre issues`);
  return parts.join(', ');
}

/** The same line again and again on a terminal, a line for every change elsewhere. */
export function statusLineView(stdout: Terminal['stdout']): { show(line: string): void; end(): void } {
  let last = '';
  const isTerminal = stdout.isTTY === true;
  return {
    show: (line) => {
      if (line === last) return;
      last = line;
      // Back to the start of the line, and the rest of it erased.
      stdout.write(isTerminal ? `\r\u001b[K${printable(line)}` : `${printable(line)}\n`);
    },
    end: () => {
      if (isTerminal && last !== '') stdout.write('\n');
    },
  };
}
