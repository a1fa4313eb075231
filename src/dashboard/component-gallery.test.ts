import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, 'web/components');
/** Messages appear there after a click; a list of pages is made of rows and of what else is there, and is held. */
const shownByOthers = ['Toasts', 'PagedRows', 'Held'];

test('the gallery shows every component', async () => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.tsx'));
  const sources = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const components = sources.flatMap((source) =>
    [...source.matchAll(/^export function ([A-Z]\w+)/gm)].map(([, name]) => name ?? ''),
  );
  expect(components).toContain('Button');
  const pages = ['component-gallery.tsx', 'gallery-of-data.tsx'];
  const gallery = await Promise.all(
    pages.map((page) => readFile(join(import.meta.dirname, 'web/pages', page), 'utf8')),
  );
  const isShown = (name: string) => new RegExp(`<${name}\\b`).test(gallery.join('\n'));
  expect(components.filter((name) => !isShown(name) && !shownByOthers.includes(name))).toEqual([]);
});
