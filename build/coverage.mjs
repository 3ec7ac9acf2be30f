// `npm run coverage`: how much of the rooms named in vitest.config.ts the suites reach, by branch. Those of whole
// programs are left out: what runs in a built program cannot be told from its sources. Not part of `npm test`.
// Details are in coverage/index.html.
import path from 'node:path';
import { ensureInstalled, readOrNull, root, runMain, runOnNode24, toolArguments } from './bootstrap.mjs';
import { ensureBuilt } from './build.mjs';

const SUITES = ['unit', 'vectors', 'sim', 'hostile'];
const LARGEST_GAPS = 25;

await runMain(async () => {
  ensureInstalled();
  ensureBuilt();
  const projects = SUITES.flatMap((suite) => ['--project', suite]);
  const code = await runOnNode24(
    toolArguments('vitest', [
      'run',
      ...projects,
      '--coverage.enabled',
      '--reporter=dot',
      ...process.argv.slice(2),
    ]),
    { cwd: root },
  );
  const text = readOrNull(path.join(root, 'coverage', 'coverage-summary.json'));
  if (text === null) return code === 0 ? 1 : code;
  const files = Object.entries(JSON.parse(text))
    .filter(([file]) => file !== 'total')
    .map(([file, { branches, lines }]) => ({ file: path.relative(root, file), branches, lines }));
  const rooms = new Map();
  for (const file of files) {
    const room = file.file.split(path.sep).slice(0, 2).join('/');
    rooms.set(room, [...(rooms.get(room) ?? []), file]);
  }
  process.stdout.write('\nroom                      branches            lines\n');
  for (const [room, of] of [...rooms].sort(([a], [b]) => (a < b ? -1 : 1))) {
    process.stdout.write(`${room.padEnd(26)}${share(of, 'branches').padEnd(20)}${share(of, 'lines')}\n`);
  }
  const missed = ({ branches }) => branches.total - branches.covered;
  process.stdout.write('\nbranches not reached, by file\n');
  for (const file of files.sort((a, b) => missed(b) - missed(a)).slice(0, LARGEST_GAPS)) {
    process.stdout.write(`${String(missed(file)).padStart(5)} of ${file.branches.total}  ${file.file}\n`);
  }
  return code;
});

function share(files, kind) {
  const sum = (field) => files.reduce((total, file) => total + file[kind][field], 0);
  const percent = ((100 * sum('covered')) / Math.max(1, sum('total'))).toFixed(1);
  return `${percent} % of ${sum('total')}`;
}
