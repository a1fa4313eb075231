import { describe, expect, test } from 'vitest';
import { endLine } from './guest/report.ts';
import { leastOperations, outcomeOf } from './outcome.ts';

const refusal = (number: number, changes: object = {}) =>
  JSON.stringify({
    name: `only apparmor refuses to ${number}`,
    ok: true,
    detail: 'EACCES',
    audit: 'audit: denied',
    milliseconds: 1,
    ...changes,
  });
const refusals = Array.from({ length: leastOperations }, (_, index) => refusal(index));
const say = (...lines: string[]) => outcomeOf('apparmor', `boot\r\n${lines.join('\r\n')}\r\n`);

describe('reports of the emulated hosts count only if complete', () => {
  test('all held', () => {
    expect(say(...refusals, endLine)).toMatchObject({ passed: leastOperations, failed: 0 });
  });

  test.each<[string, string[]]>([
    ['nothing', []],
    ['the end alone', [endLine]],
    ['a test that was cut off', refusals],
    ['a line that was cut off', [...refusals.slice(1), refusals[0]?.slice(0, 40) ?? '', endLine]],
    ['too few refusals', [...refusals.slice(1), endLine]],
    [
      'a refusal that the kernel did not report',
      [...refusals.slice(1), refusal(9, { audit: undefined }), endLine],
    ],
    [
      'the refusals of another LSM',
      [...refusals.map((line) => line.replace('apparmor', 'selinux')), endLine],
    ],
    ['a mechanism that did not hold', [...refusals, refusal(9, { ok: false }), endLine]],
  ])('%s is a failure', (_, lines) => {
    expect(say(...lines).failed).toBeGreaterThan(0);
  });
});
