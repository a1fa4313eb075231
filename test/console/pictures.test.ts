import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { encodePalette } from './palette-png.ts';
import { differenceOf } from './pictures.ts';

const [width, height] = [64, 48];

/** A white picture with the pixels of `at` in another colour. */
function picture(at: (x: number, y: number) => boolean = () => false, colour = 0xdfe3e8): PNG {
  const made = new PNG({ width, height, fill: true });
  for (let pixel = 0; pixel < width * height; pixel++) {
    const isOther = at(pixel % width, Math.floor(pixel / width));
    made.data.writeUInt32BE(isOther ? colour * 256 + 255 : 0xffffffff, pixel * 4);
  }
  return made;
}

test('a line that is gone, or has another colour, is a difference; a few pixels are none', () => {
  const isLine = (_x: number, y: number) => y === 20;
  expect(differenceOf(picture(isLine), picture(isLine))).toBeUndefined();
  expect(differenceOf(picture(isLine), picture())).toBeInstanceOf(Buffer);
  expect(differenceOf(picture(isLine), picture(isLine, 0xd5dae0))).toBeInstanceOf(Buffer);
  expect(
    differenceOf(
      picture(),
      picture((x, y) => y === 20 && x < 10, 0),
    ),
  ).toBeUndefined();
  expect(differenceOf(picture(), new PNG({ width, height: height + 1 }))).toBeInstanceOf(Buffer);
});

test('a stored picture has its colours, and of very many the most frequent', () => {
  const few = picture((x, y) => x < y);
  const stored = encodePalette(few, 'its digest');
  expect(stored.includes('its digest')).toBe(true);
  expect(PNG.sync.read(stored).data).toEqual(few.data);
  const many = picture((_x, y) => y < 40);
  for (let pixel = 0; pixel < 300; pixel++) many.data.writeUInt32BE(pixel * 0x010100 + 255, pixel * 4);
  const { data } = PNG.sync.read(encodePalette(many, ''));
  expect(data.subarray(1200)).toEqual(many.data.subarray(1200));
  expect(data.subarray(0, 1200)).not.toEqual(many.data.subarray(0, 1200));
});
