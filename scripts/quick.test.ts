import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { units } from '../vitest.config.ts';
import { slowUnits } from './quick.ts';

const cwd = join(import.meta.dirname, '..');
const all = new Set(globSync(units, { cwd }));

test.each(Object.values(slowUnits).flat())('%s matches files to leave out', (glob) => {
  expect(globSync(glob, { cwd }).filter((file) => all.has(file))).not.toEqual([]);
});

test('most unit tests are quick', () => {
  const left = globSync(units, { cwd, exclude: Object.values(slowUnits).flat() });
  expect(left.length).toBeGreaterThan(all.size / 2);
});
