import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { errnoOf, Fault, type FaultKind, hostTroubleOf, nodeCodeOf } from './fault.ts';

async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test('a refusal because of too much work takes no stack trace, which other faults have', () => {
  expect(new Fault('A', 'busy', 'too much').stack).not.toContain('\n    at ');
  expect(new Fault('A', 'throttled', 'too often').stack).not.toContain('\n    at ');
  expect(new Fault('A', 'bug', 'wrong').stack).toContain('\n    at ');
});

describe('an error of the system', () => {
  test('is named by its code', async () => {
    expect(errnoOf(await thrownBy(() => readFile('/nonexistent/file')))).toBe('ENOENT');
    expect(errnoOf(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
    expect(errnoOf(Object.assign(new Error('no name server'), { code: 'EAI_AGAIN' }))).toBe('EAI_AGAIN');
  });

  test('is neither a Fault nor an error of Node itself', async () => {
    expect(errnoOf(new Fault('SCAN_TIMED_OUT', 'busy', 'it took too long'))).toBeUndefined();
    expect(errnoOf(new Fault('EXPIRED', 'denied', 'too late'))).toBeUndefined();
    expect(errnoOf(await thrownBy(() => readFile('with\0nul')))).toBeUndefined();
    expect(errnoOf(await thrownBy(() => gunzipSync(Buffer.from('no gzip'))))).toBeUndefined();
    expect(errnoOf({ code: 'ENOENT' })).toBeUndefined();
  });
});

test('returns codes of Node and its libraries, but not those of Faults', async () => {
  expect(nodeCodeOf(await thrownBy(() => gunzipSync(Buffer.from('no gzip'))))).toBe('Z_DATA_ERROR');
  expect(nodeCodeOf(await thrownBy(() => readFile('with\0nul')))).toBe('ERR_INVALID_ARG_VALUE');
  expect(nodeCodeOf(new Fault('SCAN_TIMED_OUT', 'busy', 'it took too long'))).toBeUndefined();
  expect(nodeCodeOf(new Error('none'))).toBeUndefined();
});

describe('a trouble of the host', () => {
  const because = (code: string) => Object.assign(new Error('no'), { code });
  const fault = (kind: FaultKind, cause?: unknown) => new Fault('SOME_FAULT', kind, 'no', { cause });

  test.each([
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EROFS', 'disk-failing'],
    ['EIO', 'disk-failing'],
    ['EMFILE', 'exhausted'],
    ['EAGAIN', 'exhausted'],
    ['ENOENT', undefined],
  ])('%s is %s, also as the cause of a host fault', (code, trouble) => {
    expect(hostTroubleOf(because(code))).toBe(trouble);
    expect(hostTroubleOf(fault('host', fault('host', because(code))))).toBe(trouble);
  });

  test('is not the reason for the caller’s faults', () => {
    expect(hostTroubleOf(fault('invalid', because('EIO')))).toBeUndefined();
    expect(hostTroubleOf(fault('host'))).toBeUndefined();
    expect(hostTroubleOf(fault('full'))).toBe('disk-full');
  });
});
