/** The glossary in docs/overview.md names existing types, each defined once. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readText, root, tableOf } from './markdown.ts';

const terms = tableOf(readText('docs/overview.md'), 'term').rows;
const typed = terms.flatMap(([term = '', , cell = '']) => {
  const [, type, file] = /^`(\w+)` in `(.+)`$/.exec(cell) ?? [];
  return type === undefined || file === undefined ? [] : [{ term, type, file }];
});

test('has each term once, and a meaning for each', () => {
  expect(terms.length).toBeGreaterThan(30);
  expect(new Set(terms.map(([term]) => term)).size).toBe(terms.length);
  for (const [term, meaning] of terms) expect(meaning, term).not.toBe('');
});

test('names types where they are defined, and nothing else exported has their names', () => {
  expect(typed.length).toBeGreaterThan(15);
  const definedIn = new Map<string, string[]>();
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    for (const [, name = ''] of readFileSync(join(root, file), 'utf8').matchAll(
      /^export (?:interface|type|class) (\w+)/gm,
    )) {
      definedIn.set(name, [...(definedIn.get(name) ?? []), file]);
    }
  }
  for (const { term, type, file } of typed) expect(definedIn.get(type), term).toEqual([file]);
});
