/** Runs a program in a utility process of Electron: the Node inside the package, with `RunAsNode` switched off. */
import { createInterface } from 'node:readline';
import { utilityProcess } from 'electron';
import { LastWords, type StartProgram } from '../programs/program.ts';

export function inUtilityProcess(serviceName: string): StartProgram {
  return ({ entry, args = [], env }) => {
    // Programs are ES modules, which utility processes start from Electron 28 on; an older one needs COFFRE_NODE.
    const child = utilityProcess.fork(entry, [...args], { env, stdio: 'pipe', serviceName });
    const words = new LastWords();
    child.stderr?.on('data', (bytes: Buffer) => words.add(bytes));
    const lines = child.stdout === null ? null : createInterface({ input: child.stdout });
    return {
      get pid() {
        return child.pid;
      },
      onLine: (listener) => void lines?.on('line', listener),
      stop: () => void child.kill(),
      kill: () => {
        if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL');
      },
      ended: new Promise((resolve) => {
        // The streams are read to their end first: the last line is the reason.
        child.once('exit', (code) => setImmediate(() => resolve({ code, lastWords: words.text })));
      }),
    };
  };
}
