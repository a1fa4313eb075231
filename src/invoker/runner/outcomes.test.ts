import { describe, expect, it } from 'vitest';
import { overLimitText } from '../../dispatch/index.ts';
import { responseOfInit, responseOfRun } from './outcomes.ts';
import type { RunOutcome } from './runner.ts';

const limits = { timeoutMs: 100, memoryMiB: 256, logBytes: 0, concurrency: 1 };
const value = (result: object): RunOutcome => ({
  kind: 'value',
  value: JSON.parse(JSON.stringify(result)),
  json: JSON.stringify(result),
});

describe('responses', () => {
  it.each([
    [value({ a: 1 }), 'success'],
    [value([1, 2]), 'success'],
    [value({ error: 'no' }), 'application error'],
    [{ kind: 'refused', error: 'An error has occurred: x' }, 'action developer error'],
    [{ kind: 'failed', failure: 'timeout' }, 'action developer error'],
    [{ kind: 'failed', failure: 'ended' }, 'whisk internal error'],
  ] as const)('%j is %s', (outcome, status) => {
    expect(responseOfRun(outcome, limits).status).toBe(status);
  });

  it.each([
    ['timeout', 'The action exceeded its time limits of 100 milliseconds.'],
    ['out-of-memory', 'The action exhausted its memory and was aborted.'],
    ['exited', 'The action did not produce a valid response and exited unexpectedly.'],
  ] as const)('%s has OpenWhisk’s text', (failure, text) => {
    expect(responseOfRun({ kind: 'failed', failure }, limits).result).toEqual({ error: text });
  });

  it('says if it was during initialisation', () => {
    expect(responseOfInit({ kind: 'failed', failure: 'timeout' }, limits)).toMatchObject({
      result: { error: 'The action exceeded its time limits of 100 milliseconds during initialization.' },
      timedOut: true,
    });
    expect(responseOfInit({ kind: 'failed', failure: 'exited' }, limits).result).toEqual({
      error: 'The action did not initialize and exited unexpectedly.',
    });
  });

  it('cuts a result over the limit and names both sizes', () => {
    const response = responseOfRun(value({ x: 'y'.repeat(1024 * 1024) }), limits);
    expect(response.status).toBe('application error');
    expect(response.json).toContain(
      'exceeded the allowed length: 1048584 > 1048576 bytes. The truncated response was:',
    );
    expect(response.json.length).toBeLessThan(4096);
  });

  it('shows the beginning of a result that is too large to be read', () => {
    const response = responseOfRun(
      { kind: 'too-large', lengthBytes: 9_999_999, head: '{"big":"xxx' },
      limits,
    );
    expect(response.json).toContain('9999999 > 1048576 bytes. The truncated response was: {\\"big\\":\\"xxx');
  });

  it('applies a configured limit, and names it', () => {
    const result = value({ x: 'y'.repeat(92) });
    expect(responseOfRun(result, limits, 100).status).toBe('success');
    const { result: over } = responseOfRun(result, limits, 99);
    const text = 'The action produced a response that exceeded the allowed length: 100 > 99 bytes.';
    expect(over).toEqual({ error: `${text} The truncated response was: {"x":"${'y'.repeat(92)}"}` });
    expect(overLimitText(`${text} The truncated response was: {"x":`)).toBe(text);
    expect(overLimitText(`He said: ${text}`)).toBeUndefined();
  });

  it('passes on an error unchanged, whatever JSON it is', () => {
    expect(responseOfRun({ kind: 'refused', error: { statusCode: 418 } }, limits)).toMatchObject({
      status: 'action developer error',
      result: { error: { statusCode: 418 } },
    });
  });

  it('cuts an error of any JSON that is over the limit, and keeps its status', () => {
    for (const error of ['y'.repeat(2 * 1024 * 1024), { y: ['y'.repeat(2 * 1024 * 1024)] }])
      for (const kind of ['refused', 'busy'] as const) {
        const response = responseOfRun({ kind, error }, limits);
        expect(response.status).toBe('action developer error');
        const { length } = JSON.stringify({ error });
        expect(response.json).toContain(`exceeded the allowed length: ${length} > 1048576 bytes.`);
        expect(response.json.length).toBeLessThan(4096);
        expect(JSON.parse(response.json)).toEqual(response.result);
      }
  });

  it('measures the error of an initialisation, too, by a configured limit', () => {
    const refused = { kind: 'refused', error: 'y'.repeat(88) } as const;
    expect(responseOfInit(refused, limits, 100).result).toEqual({ error: 'y'.repeat(88) });
    const { status, result } = responseOfInit(refused, limits, 99);
    expect(status).toBe('action developer error');
    expect(result).toEqual({ error: expect.stringContaining(': 100 > 99 bytes.') });
  });

  it.each(['ended', 'unreachable', 'cancelled'] as const)('blames the platform for %s', (failure) => {
    expect(responseOfRun({ kind: 'failed', failure }, limits).status).toBe('whisk internal error');
  });
});
