import { expect, test } from 'vitest';
import { Input } from './input.ts';

const bounds = { min: 1, max: 200 };

test.each([
  ['1', 1],
  ['200', 200],
  [undefined, undefined],
])('the number %j is %j', (text, expected) => {
  expect(new Input([], { someLimit: text }).integer('someLimit', bounds)).toBe(expected);
});

test.each(['0', '201', '-1', '1.5', '1e2', 'x', '', ' 1', '99999999999999999999'])(
  'refuses the number %j and names the option',
  (text) => {
    expect(() => new Input([], { someLimit: text }).integer('someLimit', bounds)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('--some-limit takes') }),
    );
  },
);

test('reads switches, repeated words, pairs and arguments', () => {
  const input = new Input(['a', 'b', 'c'], { on: true, off: false, many: ['x', 'y'], pair: [['k', 'v']] });
  expect([input.has('on'), input.has('off'), input.has('none')]).toEqual([true, false, false]);
  expect(input.texts('many')).toEqual(['x', 'y']);
  expect(input.texts('on')).toEqual([]);
  expect(input.pairs('pair')).toEqual([['k', 'v']]);
  expect([input.required(0), input.optional(3), input.rest(1)]).toEqual(['a', undefined, ['b', 'c']]);
  expect(() => input.required(3)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
