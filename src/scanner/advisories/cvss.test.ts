/** Compares with scores of Red Hat's calculator, from outside the repository. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { scanVectors } from '../shared-data.fixture.ts';
import { cvssVersion, scoreOf } from './cvss.ts';

const rows = z.array(z.tuple([z.string(), z.array(z.number().nullable())]));

describe('Red Hat’s scores', () => {
  test.for<readonly [string, number]>([
    ['simple2', 729],
    ['simple3', 2592],
    ['simple31', 2592],
    ['simple4', 1058],
  ])('%s', ([name, count], context) => {
    const file = scanVectors(context, `cvss/redhat-vectors_${name}.json`);
    const table = rows.parse(JSON.parse(readFileSync(file, 'utf8')));
    expect(table).toHaveLength(count);
    const wrong = table.filter(([vector, [base]]) => scoreOf(vector)?.score !== Math.abs(base ?? -1));
    expect(wrong).toEqual([]);
  });
});

test('the version of a vector', () => {
  const vectors = ['CVSS:4.0/AV:N', 'CVSS:3.1/AV:N', 'CVSS:3.0/AV:N', 'AV:N/AC:L'];
  expect(vectors.map(cvssVersion)).toEqual([4, 3.1, 3, 2]);
});
