import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../blobs/index.ts';
import { parseNamespaceName } from '../entities/names.ts';
import { defaultLimits } from '../limits.ts';
import { hello, ref } from '../platform.fixture.ts';
import { createAction, parseActionPut } from './action-put.ts';
import { checkPayload, mergeArguments, resolveAction } from './resolved-action.ts';
import { defaultRuntimes } from './runtimes.ts';

const limits = { ...defaultLimits, instances: { min: 1, max: 30 } };
const rules = { limits, runtimes: defaultRuntimes, own: parseNamespaceName('guest') };

function resolved(body: object) {
  const put = parseActionPut({ ...hello, ...body }, rules);
  const exec = { kind: 'nodejs:24', binary: false, digest: parseDigest(`sha256:${'0'.repeat(64)}`) };
  const action = createAction(ref('a'), put, exec, defaultLimits);
  const rest = {
    parameters: action.parameters,
    binding: undefined,
    builtin: undefined,
    keyTerms: 'own' as const,
    sources: [],
  };
  return resolveAction({ action, ...rest }, defaultRuntimes);
}

test('a call’s parameters win over the action’s', () => {
  const action = resolved({
    parameters: [
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ],
  });
  expect(mergeArguments(action, { b: 3, c: 4 })).toEqual({ parameters: { a: 1, b: 3, c: 4 }, initEnv: {} });
});

test('initialisation parameters become environment variables, as text', () => {
  const values = { s: 's', n: 1, o: { x: [true] }, z: null };
  const parameters = Object.entries(values).map(([key, value]) => ({ key, value, init: true }));
  const action = resolved({ parameters: [...parameters, { key: 'a', value: 1 }] });
  expect(mergeArguments(action, { n: 2, b: 3 })).toEqual({
    parameters: { a: 1, b: 3 },
    initEnv: { s: 's', n: '2', o: '{"x":[true]}', z: '' },
  });
});

describe('final parameters', () => {
  const parameters = [
    { key: 'fixed', value: 1 },
    { key: 'open', value: null },
  ];
  const action = resolved({ parameters, annotations: [{ key: 'final', value: true }] });

  test('cannot be overridden', () => {
    expect(() => checkPayload(action, { fixed: 1 })).toThrow(
      'Request defines parameters that are not allowed (e.g., reserved properties).',
    );
  });

  test('must be given if they are null', () => {
    checkPayload(action, { open: 2 });
    expect(mergeArguments(action, { open: 2 }).parameters).toEqual({ fixed: 1, open: 2 });
  });
});

test('a list is passed unchanged, without the action’s parameters', () => {
  const action = resolved({ parameters: [{ key: 'a', value: 1 }] });
  expect(mergeArguments(action, [1, { b: 2 }])).toEqual({ parameters: [1, { b: 2 }], initEnv: {} });
});

test('a key such as __proto__ is a key', () => {
  const action = resolved({ parameters: [{ key: '__proto__', value: { a: 1 } }] });
  const { parameters } = mergeArguments(action, JSON.parse('{"__proto__":{"b":2}}'));
  expect(JSON.stringify(parameters)).toBe('{"__proto__":{"b":2}}');
  expect(Object.getPrototypeOf(parameters)).toBe(Object.prototype);
});

test.each([
  [true, true],
  ['yes', true],
  [1, true],
  [{}, true],
  [false, false],
  [0, false],
  ['', false],
  [null, false],
])('provide-api-key %j: %s', (value, provides) => {
  const action = resolved({ annotations: [{ key: 'provide-api-key', value }] });
  expect(action.providesApiKey).toBe(provides);
});
