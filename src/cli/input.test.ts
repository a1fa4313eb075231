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

test('numbers with decimals, switches and periods', () => {
  const input = new Input([], { cpus: '0.5', shared: 'YES', off: 'no', expires: '30d', short: '90s' });
  expect(input.decimal('cpus')).toBe(0.5);
  expect([input.boolean('shared'), input.boolean('off'), input.boolean('none')]).toEqual([
    true,
    false,
    undefined,
  ]);
  expect([input.periodMs('expires'), input.periodMs('short')]).toEqual([30 * 86_400_000, 90_000]);
  for (const text of ['0', '-1', '1e3', '0.0001', 'x', ''])
    expect(() => new Input([], { cpus: text }).decimal('cpus')).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  for (const text of ['30', '0d', '1y', '-1d', '9999999d', 'd'])
    expect(() => new Input([], { expires: text }).periodMs('expires')).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('--expires') }),
    );
  expect(() => new Input([], { shared: 'maybe' }).boolean('shared')).toThrow(
    expect.objectContaining({ code: 'USAGE' }),
  );
});
