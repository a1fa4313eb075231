import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { type Skippable, sharedData } from './shared-data.fixture.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const helper = 'src/scanner/shared-data.fixture.ts';
const folders = ['bench', 'examples', 'runners', 'scripts', 'src', 'test'];
const sources = new Map(
  folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => path !== import.meta.filename)
      .map((path) => [relative(root, path), readFileSync(path, 'utf8')] as const),
  ),
);
const filesWith = (pattern: RegExp) =>
  [...sources].filter(([, text]) => pattern.test(text)).map(([path]) => path);

test('a test is skipped if the data is missing, and names what it needs', () => {
  const skip = vi.fn<Skippable['skip']>(() => {
    throw new Error('skipped');
  });
  expect(() => sharedData({ skip }, 'nowhere')).toThrow('skipped');
  expect(skip.mock.calls).toEqual([[expect.stringMatching(/^needs \S+\/nowhere, .*WARD_SHARED/)]]);
});

test('nothing else has the path of the data, so that all tests that need it can be skipped', () => {
  expect(sources.size).toBeGreaterThan(500);
  expect(filesWith(/WARD_SHARED|\.\.\/shared(?![-\w])|'\.\.', 'shared'/)).toEqual([helper]);
});

test('only test files use it, which .ci/run finds by this name', () => {
  const users = filesWith(/shared-data\.fixture/);
  expect(users.length).toBeGreaterThan(5);
  expect(users.filter((path) => !path.endsWith('.test.ts'))).toEqual([]);
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toContain('shared-data.fixture');
});
