import { describe, expect, test } from 'vitest';
import { actionRanges, checkKind, defaultLimits } from '../limits.ts';
import { type NamespaceLimitsPatch, parseStoredLimits, patchLimits, userLimits } from './namespace-limits.ts';

const system = defaultLimits;

describe('the limits of a namespace', () => {
  test('are by default the system’s, in OpenWhisk’s form', () => {
    expect(userLimits(system, {})).toEqual({
      invocationsPerMinute: 60,
      concurrentInvocations: 30,
      firesPerMinute: 60,
      maxParameterSize: '1 MB',
      minActionMemory: 128,
      maxActionMemory: 512,
      minActionTimeout: 100,
      maxActionTimeout: 300_000,
      minActionLogs: 0,
      maxActionLogs: 10,
      minActionConcurrency: 1,
      maxActionConcurrency: 500,
      maxActionInstances: 30,
      codeQuotaBytes: 1024 ** 3,
      recordQuotaBytes: 4 * 1024 ** 3,
      registryQuotaBytes: 20 * 1024 ** 3,
    });
  });

  test('are its own where they are set', () => {
    const own = {
      invocationsPerMinute: 0,
      concurrentInvocations: 5,
      allowedKinds: ['nodejs:24'],
      storeActivations: false,
      minActionMemory: 200,
      maxActionTimeout: 1000,
    };
    expect(userLimits(system, own)).toMatchObject({ ...own, maxActionInstances: 5, maxActionMemory: 512 });
  });

  test('never exceed the system’s, even if those were lowered later', () => {
    const own = { minActionMemory: 64, maxActionMemory: 4096, maxActionLogs: 100 };
    expect(userLimits(system, own)).toMatchObject({
      minActionMemory: 128,
      maxActionMemory: 512,
      maxActionLogs: 10,
    });
  });

  test('do not show retention to its users', () => {
    expect(userLimits(system, { retentionMaxAgeDays: 1 })).toEqual(userLimits(system, {}));
  });
});

describe('a change', () => {
  test('sets, keeps and unsets', () => {
    const own = patchLimits(system, {}, { firesPerMinute: 5, retentionMaxRecords: 10, maxActionMemory: 256 });
    expect(own).toEqual({ firesPerMinute: 5, retentionMaxRecords: 10, maxActionMemory: 256 });
    expect(patchLimits(system, own, { firesPerMinute: null, maxActionMemory: undefined })).toEqual({
      retentionMaxRecords: 10,
      maxActionMemory: 256,
    });
  });

  test.each<[string, NamespaceLimitsPatch]>([
    ['firesPerMinute', { firesPerMinute: -1 }],
    ['firesPerMinute', { firesPerMinute: 1.5 }],
    ['firesPerMinute', { firesPerMinute: Number.NaN }],
    ['allowedKinds.0', { allowedKinds: ['no such thing'] }],
    ['maxActionInstances', { maxActionInstances: 0 }],
    ['retentionMaxAgeDays', { retentionMaxAgeDays: -1 }],
    ['maxActionMemory', { maxActionMemory: 513 }],
    ['minActionMemory', { minActionMemory: 127 }],
    ['maxActionTimeout', { maxActionTimeout: 300_001 }],
    ['maxActionLogs', { maxActionLogs: 11 }],
    ['maxActionConcurrency', { maxActionConcurrency: 501 }],
    ['minActionMemory', { minActionMemory: 300, maxActionMemory: 200 }],
  ])('of %s to an invalid value is refused: %j', (name, patch) => {
    expect(() => patchLimits(system, {}, patch)).toThrow(
      expect.objectContaining({ code: 'LIMIT_OUT_OF_RANGE', message: expect.stringMatching(`^${name}: `) }),
    );
  });
});

test('stored limits are parsed strictly, except for fields that a newer Ward may have added', () => {
  expect(parseStoredLimits({ firesPerMinute: 1, some: 'new' })).toEqual({ firesPerMinute: 1 });
  expect(() => parseStoredLimits({ firesPerMinute: 'many' })).toThrow(
    expect.objectContaining({ code: 'STORED_ENTITY_CORRUPT' }),
  );
});

describe('the ranges of an action', () => {
  test('are the system’s within the namespace’s, with a default inside the range', () => {
    const own = {
      maxActionMemory: 192,
      minActionTimeout: 90_000,
      maxActionInstances: 3,
      minActionConcurrency: 2,
    };
    expect(actionRanges(system, userLimits(system, own))).toEqual({
      ...system,
      memoryMiB: { min: 128, max: 192, default: 192 },
      timeoutMs: { min: 90_000, max: 300_000, default: 90_000 },
      concurrency: { min: 2, max: 500, default: 2 },
      instances: { min: 1, max: 3 },
    });
  });

  test.each([
    [undefined, 'python:3.13'],
    [[], 'python:3.13'],
    [['nodejs:24', 'sequence'], 'sequence'],
  ])('kinds %j allow %s', (allowedKinds, kind) => {
    expect(() => checkKind(allowedKinds === undefined ? {} : { allowedKinds }, kind)).not.toThrow();
  });

  test('a kind that the namespace may not use is refused with OpenWhisk’s text', () => {
    expect(() => checkKind({ allowedKinds: ['nodejs:24'] }, 'blackbox')).toThrow(
      expect.objectContaining({
        kind: 'denied',
        message: "The supplied authentication is not authorized to access actions of kind 'blackbox'.",
      }),
    );
  });
});
