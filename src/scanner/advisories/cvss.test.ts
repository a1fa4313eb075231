/** Scores of Red Hat's calculator, from outside of the repository. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cvssVersion, scoreOf } from './cvss.ts';

const shared = process.env['WARD_SHARED'] ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const folder = join(shared, 'scanning/vectors/cvss');
const rows = z.array(z.tuple([z.string(), z.array(z.number().nullable())]));

describe.skipIf(!existsSync(folder))(`Red Hat's scores (skipped where ${folder} is not there)`, () => {
  test.each([
    ['simple2', 729],
    ['simple3', 2592],
    ['simple31', 2592],
    ['simple4', 1058],
  ])('%s', (name, count) => {
    const table = rows.parse(JSON.parse(readFileSync(join(folder, `redhat-vectors_${name}.json`), 'utf8')));
    expect(table).toHaveLength(count);
    const wrong = table.filter(([vector, [base]]) => scoreOf(vector)?.score !== Math.abs(base ?? -1));
    expect(wrong).toEqual([]);
  });
});

test('the version of a vector', () => {
  const vectors = ['CVSS:4.0/AV:N', 'CVSS:3.1/AV:N', 'CVSS:3.0/AV:N', 'AV:N/AC:L'];
  expect(vectors.map(cvssVersion)).toEqual([4, 3.1, 3, 2]);
});
