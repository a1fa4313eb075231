import { expect, test } from 'vitest';
import type { JsonObject } from '../../lib/index.ts';
import { inputValues } from './input-values.ts';
import { createVariables } from './variables.ts';

interface Given {
  readonly inputs: JsonObject;
  readonly overrides?: JsonObject;
  readonly typed?: JsonObject;
  readonly env?: Readonly<Record<string, string>>;
  readonly projectInputs?: JsonObject;
}

function resolve({ inputs, overrides, typed = {}, env = {}, projectInputs = {} }: Given) {
  const variables = createVariables({ typed, env, projectInputs });
  const values = inputValues({
    place: 'actions.x',
    inputs,
    overrides,
    typed,
    variables,
    refuse: (what, place) => new Error(`${place}: ${what}`),
  });
  return { values, missing: [...variables.missing] };
}

test.each([
  ['a value', { a: 'Ada', n: 3, list: [1], map: { k: 'v' } }, { a: 'Ada', n: 3, list: [1], map: { k: 'v' } }],
  [
    'a type alone is its empty value',
    { s: 'string', i: 'integer', b: 'boolean', j: 'json' },
    { s: '', i: 0, b: false, j: {} },
  ],
  ['a description', { a: { type: 'string', value: 'x', description: 'd' } }, { a: 'x' }],
  ['a default', { a: { type: 'integer', default: 7 } }, { a: 7 }],
  ['a value before a default', { a: { value: 1, default: 2 } }, { a: 1 }],
  ['neither', { a: { type: 'float' }, b: { description: 'd' } }, { a: 0, b: '' }],
  ['a map that is not a description', { a: { value: 1, other: 2 } }, { a: { value: 1, other: 2 } }],
])('%s', (_, inputs, expected) => {
  expect(resolve({ inputs }).values).toEqual(expected);
});

test('variables come from the command line, then the environment, then the project', () => {
  const inputs = { a: '$A', b: `x\${B}y`, c: `$\${C}`, d: 'costs $5', deep: { list: [`\${A}`] } };
  const projectInputs = { A: 'project', B: { type: 'string', default: `\${HOME}` } };
  expect(resolve({ inputs, projectInputs, env: { HOME: '/h' } }).values).toEqual({
    a: 'project',
    b: 'x/hy',
    c: `\${C}`,
    d: 'costs $5',
    deep: { list: ['project'] },
  });
  expect(resolve({ inputs: { a: '$A' }, projectInputs, env: { A: 'env' } }).values).toEqual({ a: 'env' });
  expect(resolve({ inputs: { a: '$A' }, env: { A: 'env' }, typed: { A: 'typed' } }).values).toEqual({
    a: 'typed',
  });
});

test('an input without a value is empty, and reported', () => {
  expect(resolve({ inputs: { a: '$NONE', b: `x\${NONE}` } })).toEqual({
    values: { a: '', b: 'x' },
    missing: ['NONE'],
  });
});

test('properties of every object are not variables', () => {
  expect(resolve({ inputs: { a: '$constructor', b: '$toString' } }).values).toEqual({ a: '', b: '' });
});

test('text from outside is converted to the declared type', () => {
  const inputs = {
    i: { type: 'integer', value: '$I' },
    f: { type: 'float', value: `\${F}` },
    b: { type: 'boolean', value: '$B' },
    j: { type: 'json', value: '$J' },
  };
  const env = { I: '3', F: '1.5', B: 'true', J: '{"a":[1]}' };
  expect(resolve({ inputs, env }).values).toEqual({ i: 3, f: 1.5, b: true, j: { a: [1] } });
  for (const [name, text] of [
    ['I', 'three'],
    ['B', 'yes'],
    ['J', '{'],
  ] as const)
    expect(() => resolve({ inputs, env: { ...env, [name]: text } })).toThrow(/^actions\.x: input/);
});

test('the deployment file overrides the manifest, and the command line both', () => {
  const inputs = { a: 'manifest', b: { type: 'integer', value: 1 } };
  expect(resolve({ inputs, overrides: { a: 'file', b: '2', c: 'more' } }).values).toEqual({
    a: 'file',
    b: 2,
    c: 'more',
  });
  expect(resolve({ inputs, overrides: { a: { value: 'file' } }, typed: { a: ['typed'] } }).values).toEqual({
    a: ['typed'],
    b: 1,
  });
});

test('a required input needs a value', () => {
  const inputs = { a: { required: true, value: '$A' }, b: { required: true } };
  expect(() => resolve({ inputs })).toThrow('actions.x: no value for a, b');
  expect(resolve({ inputs, env: { A: 'x' }, typed: { b: 'y' } }).values).toEqual({ a: 'x', b: 'y' });
});
