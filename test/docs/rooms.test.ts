/** docs/rooms.svg shows the existing rooms, folders and imports. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readModules } from '../../scripts/check-imports.ts';
import { drawRooms } from '../../scripts/draw-rooms.ts';
import { readText, root } from './markdown.ts';

const modules = readModules(join(root, 'src'));

test('the picture of the rooms matches the sources', () => {
  expect(readText('docs/rooms.svg'), 'draw it anew: npm run rooms').toBe(drawRooms(modules));
});

test('a picture has every room, folder and import once', () => {
  const picture = drawRooms([
    { path: 'api/web/a.ts', imports: ['lib/index.ts', 'api/b.ts'] },
    { path: 'api/b.ts', imports: ['lib/index.ts'] },
    { path: 'lib/index.ts', imports: [] },
  ]);
  expect(picture.match(/<path /g)).toHaveLength(1);
  expect(picture).toContain('<title>api → lib</title>');
  expect(picture.match(/>web\/</g)).toHaveLength(1);
});
