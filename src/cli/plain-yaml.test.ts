import { expect, test } from 'vitest';
import { cliFault } from './faults.ts';
import { parsePlainYaml } from './plain-yaml.ts';

const parse = (text: string) => parsePlainYaml(text, (what) => cliFault('MANIFEST_INVALID', what));

test.each([
  ['a: 1\nb: [x, yes, true, null]', { a: 1, b: ['x', 'yes', true, null] }],
  ['{"a": {"b": "c"}}', { a: { b: 'c' } }],
  [`\${PACKAGE}:\n  $X: $Y`, { [`\${PACKAGE}`]: { $X: '$Y' } }],
  ['', null],
])('%j', (text, value) => {
  expect(parse(text)).toEqual(value);
});

const bomb = Array.from({ length: 30 }, (_, at) => `a${at}: &a${at} [*a${at - 1}, *a${at - 1}]`)
  .join('\n')
  .replace('[*a-1, *a-1]', '[x]');

test.each([
  ['a bomb of aliases', bomb, 'aliases'],
  ['a single alias', 'a: &x 1\nb: *x', 'aliases'],
  ['a merge', 'a: &x {b: 1}\nc:\n  <<: *x', 'aliases'],
  ['a key twice', 'a: 1\na: 2', 'unique'],
  ['a key of JavaScript', '__proto__: {x: 1}', '__proto__'],
  ['the same, further in', 'a: {b: [{__proto__: 1}]}', '__proto__'],
  ['nests of any depth', '['.repeat(100) + ']'.repeat(100), 'deeper'],
  ['nests deeper than a parser’s stack', '['.repeat(200_000), ''],
  ['several documents', 'a: 1\n---\nb: 2', ''],
  ['half a document', 'a: [1', ''],
  ['a number that JSON has not', 'a: .inf', 'JSON'],
  ['bytes', 'a: !!binary aGk=', 'JSON'],
  ['a tag of somebody’s', 'a: !thing 1', ''],
])('refuses %s', (_, text, words) => {
  expect(() => parse(text)).toThrow(
    expect.objectContaining({ code: 'MANIFEST_INVALID', message: expect.stringContaining(words) }),
  );
});
