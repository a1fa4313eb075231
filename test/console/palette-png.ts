/** Small PNG files of pages, with 256 colours: `pngjs` writes none with a palette. */
import { crc32, deflateSync } from 'node:zlib';
import type { PNG } from 'pngjs';

const mostColours = 256;
const signature = Buffer.from('89504e470d0a1a0a', 'hex');

/**
 * The most frequent colours stay as they are: those of areas and lines. The others, at the edges of letters, become the most
 * similar ones. See https://www.w3.org/TR/png-3/.
 * @param comment stands in the file
 */
export function encodePalette({ width, height, data }: PNG, comment: string): Buffer {
  const pixels = Array.from({ length: width * height }, (_, at) => data.readUIntBE(at * 4, 3));
  const counts = new Map<number, number>();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const sorted = [...counts].sort(([, one], [, other]) => other - one).map(([colour]) => colour);
  const palette = sorted.slice(0, mostColours);
  const indexes = new Map(sorted.map((colour) => [colour, nearest(palette, colour)]));
  const rows = Buffer.alloc(height * (width + 1));
  // Each row begins with its filter: none.
  for (const [at, colour] of pixels.entries())
    rows[Math.floor(at / width) * (width + 1) + 1 + (at % width)] = indexes.get(colour) ?? 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits a pixel, with a palette.
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.alloc(palette.length * 3);
  for (const [at, colour] of palette.entries()) colours.writeUIntBE(colour, at * 3, 3);
  return Buffer.concat([
    ...[signature, chunk('IHDR', header), chunk('tEXt', Buffer.from(`Comment\0${comment}`, 'latin1'))],
    ...[chunk('PLTE', colours), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.of())],
  ]);
}

function nearest(palette: readonly number[], colour: number): number {
  const distances = palette.map((each) => distance(each, colour));
  return distances.indexOf(Math.min(...distances));
}

function distance(one: number, other: number): number {
  return [16, 8, 0].reduce((sum, shift) => sum + (((one >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
