import { expect, test } from 'vitest';
import { explainPolicy } from './explain.ts';
import { mechanismNames, vectors } from './mechanisms.ts';
import { strictPolicy } from './policy.ts';
import { crunFeatures, v1Host } from './testing/spec-input.ts';

test('one line per mechanism, each with its vector', () => {
  const lines = explainPolicy({ policy: strictPolicy });
  expect(lines.map(({ mechanism }) => mechanism)).toEqual(mechanismNames);
  for (const line of lines) {
    expect(vectors).toContain(line.vector);
    expect(line.value).not.toBe('');
    expect(line.source).toBe('default');
  }
});

test('a changed value is shown as changed', () => {
  const lines = explainPolicy({ policy: { ...strictPolicy, memoryBytes: 64 * 1024 * 1024, pidsLimit: 10 } });
  expect(
    lines.filter(({ source }) => source === 'changed').map(({ mechanism, value }) => [mechanism, value]),
  ).toEqual([
    ['memory-limit', '64 MiB of memory, tmpfs included, and no swap'],
    ['pids-limit', '10 processes and threads'],
    // The limit on file sizes follows from it.
    ['resource-limits', expect.stringContaining('nproc 20,')],
  ]);
});

test('a mechanism that this host lacks is shown as missing, with the reason', () => {
  const situation = { host: v1Host, runtime: crunFeatures, hasLandlockLauncher: false };
  const lines = explainPolicy({ policy: strictPolicy, situation });
  expect(lines.filter(({ source }) => source === 'missing').map(({ mechanism }) => mechanism)).toEqual([
    'landlock',
    'apparmor',
    'selinux',
  ]);
  expect(lines.find(({ mechanism }) => mechanism === 'landlock')?.value).toContain('setpriv');
});
