/** Each promise in docs/specification.md has its own number, and an existing test or row of the benchmarks. */
import { expect, test } from 'vitest';
import { expectTestsExist, plain, readText, tablesOf, testsNamed } from './markdown.ts';

const promises = tablesOf(readText('docs/specification.md')).flatMap(({ rows }) => rows);
const measured = tablesOf(readText('docs/benchmarks.md')).flatMap(({ rows }) =>
  rows.map(([row = '']) => row),
);

test('numbers go up, and none is used twice', () => {
  const numbers = promises.map(([number]) => Number(number));
  expect(numbers.length).toBeGreaterThan(30);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
});

test.each(promises)('%s: %s Its proof exists', (_number, _promise, proof = '') => {
  expectTestsExist(proof);
  const rows = [...proof.matchAll(/bench `([^`]+)`/g)].map(([, row = '']) => row);
  expect(testsNamed(proof).length + rows.length, proof).toBeGreaterThan(0);
  for (const row of rows) expect(measured.map(plain)).toContain(row);
});
