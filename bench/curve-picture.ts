/**
 * The figures of `curves.json` as a picture, on standard output:
 *   node build/run.mjs bench/curve-picture.ts > docs/curves.svg
 * Both axes are logarithmic: a cost that grows as the work does is a line as steep as the grey one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const panelSchema = z.object({
  title: z.string(),
  /** What the points stand for, in the order of `values`; each ten times the one before. */
  points: z.array(z.string()),
  lines: z.array(z.object({ name: z.string(), unit: z.string(), values: z.array(z.number().positive()) })),
});
const figuresSchema = z.object({ panels: z.array(panelSchema) });
type Panel = z.infer<typeof panelSchema>;

const WIDTH = 470;
const HEIGHT = 400;
const PLOT = { left: 60, right: 330, top: 50, bottom: 340 };
const COLOURS = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df'];

function panel({ title, points, lines }: Panel): string {
  const all = lines.flatMap(({ values }) => values.map(Math.log10));
  const [least, most] = [Math.floor(Math.min(...all)), Math.ceil(Math.max(...all))];
  const x = (index: number): number =>
    PLOT.left + ((PLOT.right - PLOT.left) * index) / Math.max(1, points.length - 1);
  const y = (log: number): number =>
    PLOT.bottom - ((PLOT.bottom - PLOT.top) * (log - least)) / (most - least);
  const grid = Array.from({ length: most - least + 1 }, (_, index) => least + index).map(
    (log) =>
      `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(log)}" y2="${y(log)}" stroke="#d0d7de"/>` +
      text(PLOT.left - 8, y(log) + 4, 'end', String(Number((10 ** log).toPrecision(1)))),
  );
  const ticks = points.map((point, index) => text(x(index), PLOT.bottom + 20, 'middle', point));
  const linear = `<line x1="${x(0)}" y1="${y(least)}" x2="${x(Math.min(points.length - 1, most - least))}" y2="${y(
    least + Math.min(points.length - 1, most - least),
  )}" stroke="#8c959f" stroke-dasharray="4 4"/>`;
  let lowest = Number.NEGATIVE_INFINITY;
  const labels = lines
    .map((line, index) => ({ line, index, at: y(Math.log10(line.values.at(-1) ?? 1)) }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ line, index, at }) => {
      lowest = Math.max(at, lowest + 16);
      return text(PLOT.right + 8, lowest + 4, 'start', `${line.name} (${line.unit})`, COLOURS[index]);
    });
  const curves = lines.map(({ values }, index) => {
    const places = values.map((value, at) => `${x(at)},${y(Math.log10(value))}`);
    const dots = places.map((place) => {
      const [cx, cy] = place.split(',');
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${COLOURS[index]}"/>`;
    });
    return `<polyline points="${places.join(' ')}" fill="none" stroke="${COLOURS[index]}" stroke-width="2"/>${dots.join('')}`;
  });
  return [
    text(PLOT.left, 28, 'start', title, '#1f2328', 15),
    ...grid,
    ...ticks,
    linear,
    ...curves,
    ...labels,
  ].join('\n');
}

function text(x: number, y: number, anchor: string, words: string, fill = '#57606a', size = 12): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}" fill="${fill}">${words}</text>`;
}

const { panels } = figuresSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, 'curves.json'), 'utf8')),
);
process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH * panels.length} ${HEIGHT}" font-family="sans-serif">\n` +
    `<rect width="100%" height="100%" fill="#ffffff"/>\n` +
    panels.map((one, index) => `<g transform="translate(${WIDTH * index} 0)">${panel(one)}</g>`).join('\n') +
    '\n</svg>\n',
);
