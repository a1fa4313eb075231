import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { makeHome } from './cli.fixture.ts';
import { collectParameters, parseValue, toKeyValues } from './parameters.ts';

const noInput = Readable.from([]);

test.each([
  ['World', 'World'],
  ['5', 5],
  ['"5"', '5'],
  ['true', true],
  ['null', null],
  ['{"a":[1]}', { a: [1] }],
  ['{broken', '{broken'],
  ['', ''],
])('the value %j is %j', (text, value) => {
  expect(parseValue(text)).toEqual(value);
});

test('typed parameters count before those of the file, the last one of a name before the others', async () => {
  await using home = await makeHome();
  const file = join(home.path, 'p.json');
  await writeFile(file, '{"a": 1, "b": 2}');
  const pairs = [
    ['b', '3'],
    ['c', 'x'],
    ['c', 'y'],
  ] as const;
  expect(await collectParameters({ file, pairs }, noInput)).toEqual({ a: 1, b: 3, c: 'y' });
});

test('- is standard input; nothing named is nothing', async () => {
  expect(await collectParameters({ file: '-', pairs: [] }, Readable.from(['{"a"', ':1}']))).toEqual({ a: 1 });
  expect(await collectParameters({ file: undefined, pairs: [] }, noInput)).toBeUndefined();
});

test.each(['[1]', '"x"', 'nonsense', ''])('refuses a file that holds %j', async (text) => {
  await expect(collectParameters({ file: '-', pairs: [] }, Readable.from([text]))).rejects.toMatchObject({
    code: 'PARAMETER_INVALID',
    kind: 'invalid',
  });
});

test('refuses a file without end', async () => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield ' '.repeat(1024 * 1024);
    })(),
  );
  await expect(collectParameters({ file: '-', pairs: [] }, endless)).rejects.toThrow(/larger than/);
});

test('has the form that the API wants', () => {
  expect(toKeyValues({ a: 1, b: { c: null } })).toEqual([
    { key: 'a', value: 1 },
    { key: 'b', value: { c: null } },
  ]);
});
