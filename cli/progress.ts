/** Long work on stderr: a bar on a terminal, a line every tenth elsewhere, nothing with `--json`. */
import cliProgress from 'cli-progress';
import type { Progress } from '../protocol/control-shapes.ts';
import { bytesText, countText, printable } from './output.ts';
import type { Terminal } from './terminal.ts';

export interface ProgressView {
  show(progress: Progress): void;
  end(): void;
}

const NOTHING: ProgressView = { show: () => undefined, end: () => undefined };

export function progressView(terminal: Terminal, json: boolean): ProgressView {
  if (json) return NOTHING;
  return terminal.stderr.isTTY === true ? bar(terminal) : lines(terminal);
}

function amount(value: number, unit: Progress['unit']): string {
  return unit === 'bytes' ? bytesText(value) : countText(value, unit.slice(0, -1), unit);
}

function bar(terminal: Terminal): ProgressView {
  const view = new cliProgress.SingleBar({
    stream: terminal.stderr,
    clearOnComplete: true,
    hideCursor: true,
    format: (_options, params, payload: { progress: Progress }) => {
      const { step, done, total, unit } = payload.progress;
      const filled = total === null ? 0 : Math.round(params.progress * 30);
      const drawn = total === null ? '' : ` [${'='.repeat(filled)}${' '.repeat(30 - filled)}]`;
      const of = total === null ? '' : ` of ${amount(total, unit)}`;
      return printable(`${step}${drawn} ${amount(done, unit)}${of}`);
    },
  });
  let started = false;
  return {
    show: (progress) => {
      const total = Math.max(progress.total ?? 0, 1);
      if (!started) view.start(total, progress.done, { progress });
      started = true;
      view.setTotal(total);
      view.update(progress.done, { progress });
    },
    end: () => view.stop(),
  };
}

function lines(terminal: Terminal): ProgressView {
  let last = { key: '', line: '' };
  return {
    show: ({ step, done, total, unit }) => {
      const tenth = total === null || total === 0 ? 0 : Math.floor((done / total) * 10);
      const key = `${step} ${tenth}`;
      const of = total === null ? '' : ` of ${amount(total, unit)}`;
      const line = printable(`${step}: ${amount(done, unit)}${of}`);
      if (key === last.key || line === last.line) return;
      last = { key, line };
      terminal.stderr.write(`${line}\n`);
    },
    end: () => undefined,
  };
}
