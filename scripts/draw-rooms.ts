/**
 * Draws the rooms of src/, their folders, and the imports between rooms, floor by floor. `test/docs/rooms.test.ts` compares
 * docs/rooms.svg with the output.
 *
 *   npm run rooms                                    draws src/ into docs/rooms.svg
 *   node scripts/draw-rooms.ts FOLDER FILE           draws another state of it
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { floors, type Module, readModules } from './check-imports.ts';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const gap = { x: 16, y: 56 };
const line = 13;
const boxWidth = 150;

/** An SVG: a box for each room with its folders, the highest floor on top, one arrow for each pair of rooms. */
export function drawRooms(modules: readonly Module[]): string {
  const folders = foldersByRoom(modules);
  const boxes = placeBoxes(folders);
  const all = [...boxes.values()];
  const width = Math.max(...all.map((box) => box.x + box.width)) + gap.x;
  const height = Math.max(...all.map((box) => box.y + box.height)) + gap.x;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="10">`,
    '<title>The rooms of src/ and the imports between them</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    '<g fill="none" stroke="#7a8ca3" stroke-opacity=".55">',
    ...roomArrows(modules).flatMap((arrow) => drawArrow(boxes, arrow)),
    '</g>',
    ...[...boxes].flatMap(([room, box]) => drawBox(room, folders.get(room) ?? [], box)),
    '</svg>',
    '',
  ].join('\n');
}

function foldersByRoom(modules: readonly Module[]): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const { path } of modules) {
    const [room = '', ...rest] = dirname(path).split('/');
    const folders = found.get(room) ?? found.set(room, new Set()).get(room);
    if (rest[0] !== undefined) folders?.add(rest[0]);
  }
  return new Map([...found].toSorted().map(([room, folders]) => [room, [...folders].toSorted()]));
}

/** One centred row for each floor, with its rooms side by side. */
function placeBoxes(folders: ReadonlyMap<string, readonly string[]>): Map<string, Box> {
  const rows = Map.groupBy(folders.keys(), (room) => floors[room] ?? 0);
  const widest = Math.max(...[...rows.values()].map((row) => row.length));
  const boxes = new Map<string, Box>();
  let y = gap.x;
  for (const [, row] of [...rows].toSorted(([a], [b]) => b - a)) {
    const heights = row.map((room) => 24 + line * (folders.get(room)?.length ?? 0));
    const left = gap.x + ((widest - row.length) * (boxWidth + gap.x)) / 2;
    for (const [index, room] of row.entries())
      boxes.set(room, {
        x: left + index * (boxWidth + gap.x),
        y,
        width: boxWidth,
        height: heights[index] ?? 0,
      });
    y += Math.max(...heights) + gap.y;
  }
  return boxes;
}

function roomArrows(modules: readonly Module[]): (readonly [from: string, to: string])[] {
  const arrows = modules.flatMap(({ path, imports }) =>
    imports.map((target) => `${path.split('/')[0]} ${target.split('/')[0]}`),
  );
  return [...new Set(arrows)]
    .toSorted()
    .map((arrow) => arrow.split(' ') as [string, string])
    .filter(([from, to]) => from !== to);
}

function drawArrow(
  boxes: ReadonlyMap<string, Box>,
  [from, to]: readonly [from: string, to: string],
): string[] {
  const start = boxes.get(from);
  const end = boxes.get(to);
  if (start === undefined || end === undefined) return [];
  const [x1, y1] = [start.x + start.width / 2, start.y + start.height];
  const [x2, y2] = [end.x + end.width / 2, end.y];
  return [
    `<path d="M${x1} ${y1}C${x1} ${y1 + 30} ${x2} ${y2 - 30} ${x2} ${y2}"><title>${from} → ${to}</title></path>`,
  ];
}

function drawBox(room: string, folders: readonly string[], { x, y, width, height }: Box): string[] {
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="4" fill="#eef3f9" stroke="#46607f"/>`,
    `<text x="${x + 8}" y="${y + 16}" font-weight="bold" font-size="12">${room}</text>`,
    ...folders.map(
      (folder, index) => `<text x="${x + 16}" y="${y + 31 + index * line}" fill="#333">${folder}/</text>`,
    ),
  ];
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  const [from = join(root, 'src'), to = join(root, 'docs/rooms.svg')] = process.argv.slice(2);
  writeFileSync(to, drawRooms(readModules(from)));
}
