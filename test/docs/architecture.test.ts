/** docs/architecture.md has every room on its floor, and the true layout of the data folder. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { gatePaths } from '../../src/server/instance/gate-paths.ts';
import { dataPaths } from '../../src/server/instance/instance.ts';
import { plain, readText, root, tableOf } from './markdown.ts';

const document = readText('docs/architecture.md');

test('every room is listed, on the floor that the check of imports has', () => {
  const source = readText('scripts/check-imports.ts');
  const floors = new Map([...source.matchAll(/^ {2}(\w+): (\d+),$/gm)].map((match) => [match[1], match[2]]));
  const rooms = readdirSync(join(root, 'src'));
  const told = tableOf(document, 'floor').rows.map(([floor, room = '']) => [plain(room), floor]);
  expect(told.map(([room]) => room).sort()).toEqual(rooms.sort());
  for (const [room, floor] of told) expect([room, floor]).toEqual([room, floors.get(room)]);
});

test('everything in the data folder is listed', () => {
  const gateFolders = Object.values(gatePaths('/data')).map((path) => path.split('/').slice(0, 3).join('/'));
  const cells = tableOf(document, 'path in the data folder (`/var/lib/ward`)').rows.map(([path = '']) =>
    plain(path).replace(/\/$/, ''),
  );
  expect(cells.sort()).toEqual(
    [
      ...new Set(
        [...Object.values(dataPaths('/data')), ...gateFolders].map((path) => relative('/data', path)),
      ),
    ].sort(),
  );
});
