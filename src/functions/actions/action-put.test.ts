import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../blobs/index.ts';
import { parseNamespaceName } from '../entities/names.ts';
import { nextPatch } from '../entities/put-fields.ts';
import { defaultLimits } from '../limits.ts';
import { hello, ref } from '../platform.fixture.ts';
import { createAction, parseActionPut, updateAction } from './action-put.ts';
import type { ExecDocument } from './exec.ts';
import { defaultRuntimes } from './runtimes.ts';

const limits = { ...defaultLimits, instances: { min: 1, max: 30 } };
const rules = { limits, runtimes: defaultRuntimes, own: parseNamespaceName('guest') };
const parse = (body: unknown) => parseActionPut(body, rules);
const exec: ExecDocument = {
  kind: 'nodejs:24',
  binary: false,
  digest: parseDigest(`sha256:${'0'.repeat(64)}`),
};
const create = (body: object) => createAction(ref('a'), parse({ ...hello, ...body }), exec, defaultLimits);
const malformed = (detail: string) => `The request content was malformed:\n${detail}`;

describe('a body', () => {
  test('may omit everything, contain null, and have unknown fields', () => {
    const empty = {
      exec: undefined,
      parameters: undefined,
      annotations: undefined,
      delAnnotations: [],
      limits: {},
      version: undefined,
      publish: undefined,
    };
    expect(parse({})).toEqual(empty);
    expect(parse({ exec: null, limits: null, version: null, publish: null, updated: 1, x: {} })).toEqual(
      empty,
    );
  });

  test.each([
    ['nodejs:default', 'nodejs:24'],
    ['default', 'nodejs:24'],
    [' NodeJS:22 ', 'nodejs:22'],
    ['python:default', 'python:3.13'],
  ])('of kind %s is of kind %s', (kind, resolved) => {
    expect(parse({ exec: { kind, code: '' } }).exec?.kind).toBe(resolved);
  });

  test.each(['', 'nodejs', 'nodejs:1', 'builtin'])('of kind %j is refused', (kind) => {
    expect(() => parse({ exec: { kind, code: '' } })).toThrow(
      `The specified runtime '${kind}' is not supported by this platform. Valid values are: 'nodejs:24', 'nodejs:default', 'nodejs:22', 'python:3.13', 'python:default'.`,
    );
  });

  test.each([
    ['node', 'Did you mean nodejs:default?'],
    ['nodejs:99', 'Did you mean nodejs:default?'],
    ['pyhton:3', 'Did you mean python:default?'],
    ['python:2.7', 'There is no Python 2: deploy the code as python:default.'],
    ['cobol:85', undefined],
    ['n', undefined],
    ['', undefined],
  ])('of kind %j: the refusal says what was meant', (kind, hint) => {
    expect(() => parse({ exec: { kind, code: '' } })).toThrow(
      expect.objectContaining({ code: 'KIND_UNSUPPORTED', hint }),
    );
  });

  test.each<[unknown, string]>([
    [[], malformed('Object expected')],
    ['x', malformed('Object expected')],
    [{ exec: '' }, malformed("'exec' must be an object")],
    [{ exec: {} }, malformed("'kind' must be a string defined in 'exec'")],
    [{ exec: { kind: 1 } }, malformed("'kind' must be a string defined in 'exec'")],
    [
      { exec: { kind: 'nodejs:24' } },
      malformed("'code' must be a string defined in 'exec' for 'nodejs:24' actions"),
    ],
    [
      { exec: { kind: 'nodejs:24', code: '', main: 1 } },
      malformed("if defined, 'main' must be a short string in 'exec' for 'nodejs:24' actions"),
    ],
    [{ parameters: { a: 1 } }, malformed('parameters malformed: an array of {key, value} expected')],
    [{ parameters: [1] }, malformed('parameters malformed: an array of {key, value} expected')],
    [
      { parameters: [{ key: 'a' }] },
      malformed("parameters malformed: each needs a 'key' that is a string, and a 'value'"),
    ],
    [
      { annotations: [{ value: 1 }] },
      malformed("annotations malformed: each needs a 'key' that is a string, and a 'value'"),
    ],
    [
      { parameters: [{ key: 'a', value: 1, init: 'yes' }] },
      malformed("parameters malformed: 'init' must be a boolean"),
    ],
    [{ version: '1.x' }, malformed("semantic version malformed: 'version' is a text such as 1.0.0")],
    [{ publish: 'yes' }, malformed("'publish' must be a boolean")],
    [{ delAnnotations: [1] }, malformed("'delAnnotations' must be an array of strings")],
    [{ limits: [] }, malformed("'limits' must be an object")],
    [{ limits: { memory: '256' } }, malformed('memory limit must be whole number')],
    [{ limits: { timeout: 100.5 } }, malformed('time limit must be whole number')],
    [{ limits: { timeout: 99 } }, 'duration 99 milliseconds below allowed threshold of 100 milliseconds'],
    [
      { limits: { timeout: 300_001 } },
      'duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds',
    ],
    [{ limits: { memory: 127 } }, 'memory size 127 MB below allowed threshold of 128 MB'],
    [{ limits: { memory: 513 } }, 'memory size 513 MB exceeds allowed threshold of 512 MB'],
    [{ limits: { logs: -1 } }, 'log size -1 MB below allowed threshold of 0 MB'],
    [{ limits: { logs: 11 } }, 'log size 11 MB exceeds allowed threshold of 10 MB'],
    [{ limits: { concurrency: 0 } }, 'concurrency 0 below allowed threshold of 1'],
    [{ limits: { concurrency: 501 } }, 'concurrency 501 exceeds allowed threshold of 500'],
  ])('%j is refused', (body, message) => {
    expect(() => parse(body)).toThrow(expect.objectContaining({ message, kind: 'invalid' }));
  });

  test.each<[object, string]>([
    [
      { exec: { kind: 'nodejs:24', code: 'x'.repeat(48 * 1024 * 1024 + 1) } },
      'exec larger than allowed: 50331649 > 50331648 bytes.',
    ],
    [
      { parameters: [{ key: 'ab', value: 'x'.repeat(1024 * 1024 - 3) }] },
      'parameters larger than allowed: 1048577 > 1048576 bytes.',
    ],
    [
      { annotations: [{ key: 'ab', value: 'x'.repeat(1024 * 1024 - 3) }] },
      'annotations larger than allowed: 1048577 > 1048576 bytes.',
    ],
  ])('that is too large is refused', (body, message) => {
    expect(() => parse(body)).toThrow(expect.objectContaining({ message, kind: 'too-large' }));
  });

  test('a native program in wsk’s image has the kind native', () => {
    const runtimes = defaultRuntimes.slice(0, 1).map((each) => ({ ...each, kind: 'native:13' }));
    const put = (image: string, code: string) =>
      parseActionPut({ exec: { kind: 'blackbox', image, code } }, { ...rules, runtimes }).exec?.kind;
    expect(put('openwhisk/dockerskeleton', '#!/bin/true')).toBe('native:13');
    expect(put('openwhisk/dockerskeleton', '')).toBe('blackbox');
    expect(put('me/app', '#!/bin/true')).toBe('blackbox');
  });

  test('may contain keys of Object.prototype', () => {
    const body = JSON.parse(
      '{"__proto__":{"version":"9.9.9"},"parameters":[{"key":"__proto__","value":{"a":1}}]}',
    );
    expect(parse(body)).toMatchObject({
      version: undefined,
      parameters: [{ key: '__proto__', value: { a: 1 } }],
    });
  });

  test('keeps the last of two parameters with one key', () => {
    const parameters = [
      { key: 'a', value: 1, init: true },
      { key: 'b', value: 2 },
      { key: 'a', value: 3 },
    ];
    expect(parse({ parameters }).parameters).toEqual(parameters.slice(1));
  });
});

describe('a new action', () => {
  test('has defaults and system annotations', () => {
    expect(create({})).toMatchObject({
      version: '0.0.1',
      publish: false,
      parameters: [],
      annotations: [
        { key: 'provide-api-key', value: false },
        { key: 'exec', value: 'nodejs:24' },
      ],
      limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
    });
  });

  test('keeps what was sent, except a wrong kind', () => {
    const annotations = [
      { key: 'exec', value: 'lie' },
      { key: 'provide-api-key', value: true },
    ];
    expect(create({ annotations, version: '1.2.3', publish: true, limits: { memory: 128 } })).toMatchObject({
      version: '1.2.3',
      publish: true,
      annotations: [
        { key: 'exec', value: 'nodejs:24' },
        { key: 'provide-api-key', value: true },
      ],
      limits: { timeout: 60_000, memory: 128 },
    });
  });

  test('needs exec', () => {
    expect(() => createAction(ref('a'), parse({}), undefined, defaultLimits)).toThrow('exec undefined');
  });
});

describe('a changed action', () => {
  const old = create({
    parameters: [{ key: 'p', value: 1 }],
    annotations: [
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ],
    limits: { memory: 128 },
  });
  const change = (body: object) => updateAction(old, parse(body), undefined, defaultLimits);

  test('keeps fields that were not sent, with the next version and another revision', () => {
    const { revision, updated, ...same } = old;
    const changed = change({});
    expect(changed).toMatchObject({ ...same, version: '0.0.2' });
    expect(changed.revision).not.toBe(revision);
    expect(changed.updated).toBeGreaterThan(updated);
  });

  test('replaces parameters, merges annotations and limits', () => {
    const changed = change({
      parameters: [{ key: 'q', value: 2 }],
      annotations: [{ key: 'b', value: 3 }],
      delAnnotations: ['a'],
      limits: { logs: 1 },
    });
    expect(changed.parameters).toEqual([{ key: 'q', value: 2 }]);
    expect(changed.annotations).toEqual([
      { key: 'b', value: 3 },
      { key: 'provide-api-key', value: false },
      { key: 'exec', value: 'nodejs:24' },
    ]);
    expect(changed.limits).toEqual({ timeout: 60_000, memory: 128, logs: 1, concurrency: 1 });
  });

  test('cannot accumulate annotations beyond the limit', () => {
    const large = { key: 'x', value: 'x'.repeat(600_000) };
    const half = updateAction(old, parse({ annotations: [large] }), undefined, defaultLimits);
    const again = parse({ annotations: [{ ...large, key: 'y' }] });
    expect(() => updateAction(half, again, undefined, defaultLimits)).toThrow(
      'annotations larger than allowed',
    );
  });
});

test.each([
  ['0.0.1', '0.0.2'],
  ['1.2.9', '1.2.10'],
])('the version after %s is %s', (version, next) => {
  expect(nextPatch(version)).toBe(next);
});
