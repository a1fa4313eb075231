import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { makeHome } from './cli.fixture.ts';
import type { Io } from './io.ts';
import { collectParameters, parseValue, toKeyValues } from './parameters.ts';

const noted: string[] = [];
const io = { note: (line: string) => void noted.push(line) } as Io;
const from = (...chunks: string[]) => ({ stdin: Readable.from(chunks), io });

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

test('typed parameters override those of the file, and the last one of a name wins', async () => {
  await using home = await makeHome();
  const file = join(home.path, 'p.json');
  await writeFile(file, '{"a": 1, "b": 2}');
  const pairs = [
    ['b', '3'],
    ['c', 'x'],
    ['c', 'y'],
  ] as const;
  expect(await collectParameters({ file, pairs }, from())).toEqual({ a: 1, b: 3, c: 'y' });
});

test('invalid JSON is sent as text, with a warning', async () => {
  noted.length = 0;
  const pairs = [
    ['a', '{"b":'],
    ['c', '[1]'],
    ['d', 'plain'],
    ['e', '{"f": 1}'],
  ] as const;
  expect(await collectParameters({ file: undefined, pairs }, from())).toEqual({
    a: '{"b":',
    c: [1],
    d: 'plain',
    e: { f: 1 },
  });
  expect(noted).toEqual([
    'warning: a looks like JSON and is not (Unexpected end of JSON input): ward sends it as text',
  ]);
});

test('- is standard input; without a file there are no parameters', async () => {
  expect(await collectParameters({ file: '-', pairs: [] }, from('{"a"', ':1}'))).toEqual({ a: 1 });
  expect(await collectParameters({ file: undefined, pairs: [] }, from())).toBeUndefined();
});

test.each(['[1]', '"x"', 'nonsense', ''])('refuses a file that holds %j', async (text) => {
  await expect(collectParameters({ file: '-', pairs: [] }, from(text))).rejects.toMatchObject({
    code: 'PARAMETER_INVALID',
    kind: 'invalid',
  });
});

test('refuses an endless file', async () => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield ' '.repeat(1024 * 1024);
    })(),
  );
  await expect(collectParameters({ file: '-', pairs: [] }, { stdin: endless, io })).rejects.toThrow(
    /larger than/,
  );
});

test('has the form that the API wants', () => {
  expect(toKeyValues({ a: 1, b: { c: null } })).toEqual([
    { key: 'a', value: 1 },
    { key: 'b', value: { c: null } },
  ]);
});
