/** docs/reference/prove.md lists every technique as in the catalogue, and the catalogue is consistent. */
import { expect, test } from 'vitest';
import { techniques } from '../../src/prover/techniques/registry.ts';
import { attackVectors, type Technique } from '../../src/prover/types.ts';
import { plain, readText, tablesOf } from './markdown.ts';

const document = readText('docs/reference/prove.md');
const columns = ['technique', 'what is tried', 'reference', 'control', 'expected answer'];

/** The rows below the heading of a vector. */
function documented(vector: string): readonly (readonly string[])[] {
  return tablesOf(document)
    .filter(({ heading, header }) => heading === vector && header[0] === columns[0])
    .flatMap(({ rows }) => rows.map((row) => row.map(plain)));
}

function rowOf({ name, title, reference, control, expects }: Technique): readonly string[] {
  return [name, title, reference, control, expects.join(', ')];
}

test.each(attackVectors)('every technique of the vector %s is listed', (vector) => {
  expect(documented(vector)).toEqual(techniques.filter((one) => one.vector === vector).map(rowOf));
});
