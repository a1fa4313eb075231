import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonSplitter } from './json-splitter.ts';

function split(text: string, depth: number, chunkBytes = 7): readonly (readonly [string, unknown])[] {
  const bytes = Buffer.from(text);
  const splitter = jsonSplitter(depth, 1_000_000);
  const found: [string, unknown][] = [];
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    for (const { path, text: part } of splitter.push(bytes.subarray(start, start + chunkBytes))) {
      found.push([path.join('/'), JSON.parse(part)]);
    }
  }
  expect(splitter.isWhole()).toBe(true);
  return found;
}

const containers = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
const members = fc.dictionary(fc.stringMatching(/^[a-z{}[\],: ]{1,8}$/), containers);

test('the members of a document equal those of a parser, wherever chunks end', () => {
  fc.assert(
    fc.property(
      members,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 2 }),
      (value, chunk, indent) => {
        const expected = Object.entries(JSON.parse(JSON.stringify(value)));
        expect(split(JSON.stringify(value, null, indent), 1, chunk)).toEqual(expected);
      },
    ),
  );
});

test('the elements of a list inside a document', () => {
  const text = '{"title":"[{","list":[{"a":"}"},{"b":[1]}],"other":{"x":{"c":1}},"n":[7]}';
  expect(split(text, 2)).toEqual([
    ['list/', { a: '}' }],
    ['list/', { b: [1] }],
    ['other/x', { c: 1 }],
  ]);
});

test('several documents, one after the other', () => {
  expect(split('{"a":1}\n{"b":2} [3]', 0)).toEqual([
    ['', { a: 1 }],
    ['', { b: 2 }],
    ['', [3]],
  ]);
});

test.each(['{"a":{"b":1}', '{"a":"', '', '{"a":{}'])('%j is cut off', (text) => {
  const splitter = jsonSplitter(1, 100);
  splitter.push(Buffer.from(text));
  expect(splitter.isWhole()).toBe(false);
});

test.each([
  ['{}}', 'closes a bracket that was not open'],
  ['{"a":{}} {"b":{}}', 'continues after its end'],
  ['{} x', 'continues after its end'],
  ['<html>', 'not a JSON'],
  ['"text"', 'not a JSON'],
  ['true', 'not a JSON'],
  [`{"a":["${'x'.repeat(200)}"]}`, 'longer than 100 bytes'],
  ['['.repeat(2000), 'deeper than 1000'],
])('%s is refused', (text, reason) => {
  expect(() => jsonSplitter(1, 100).push(Buffer.from(text))).toThrow(reason);
});
