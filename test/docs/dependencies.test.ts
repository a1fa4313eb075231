/** docs/dependencies.md lists exactly the installed dependencies, with the licences that the packages state. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { columnsOf, plain, readText, root, tableOf } from './markdown.ts';

const versions = z.record(z.string(), z.string());
const manifest = z
  .object({ dependencies: versions, optionalDependencies: versions, devDependencies: versions })
  .parse(JSON.parse(readText('package.json')));
const lock = z
  .object({
    packages: z.record(
      z.string(),
      z.object({ license: z.string().optional(), hasInstallScript: z.boolean().optional() }),
    ),
  })
  .parse(JSON.parse(readText('package-lock.json')));
const table = tableOf(readText('docs/dependencies.md'), 'package', 'npm packages');

test('every dependency is listed in its table', () => {
  const named = (names: object, use: string) => Object.keys(names).map((name) => [name, use]);
  expect(columnsOf(table, 'package', 'for')).toEqual(
    Object.fromEntries([
      ...named(manifest.dependencies, 'run time'),
      ...named(manifest.optionalDependencies, 'optional'),
      ...named(manifest.devDependencies, 'development'),
    ]),
  );
});

test.each(Object.entries(columnsOf(table, 'package', 'licence')))('%s is under %s', (name, licence) => {
  const installed = join(root, 'node_modules', name, 'package.json');
  const stated = existsSync(installed)
    ? z.object({ license: z.string() }).parse(JSON.parse(readFileSync(installed, 'utf8'))).license
    : lock.packages[`node_modules/${name}`]?.license;
  expect(stated?.replaceAll(/[()]/g, '')).toBe(licence);
});

test('each has a reason', () => {
  for (const row of table.rows) expect(row.at(-1)).toMatch(/^.{10,}$/);
});

test('no package of the lock file runs a script when it is installed', () => {
  const scripted = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  expect(scripted).toEqual([]);
});

test('the Debian packages of the set-up', () => {
  const { rows } = tableOf(readText('docs/dependencies.md'), 'package', 'Debian packages');
  const source = readText('scripts/setup/system.mjs');
  const packages = [...source.matchAll(/\bpackage: '([a-z0-9-]+)'/g)].map((match) => match[1] ?? '');
  expect(rows.map(([name = '']) => plain(name)).sort()).toEqual([...new Set(packages)].sort());
});
