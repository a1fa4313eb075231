import { expect, test } from 'vitest';
import { type SandboxPolicy, strictPolicy } from '../sandbox/index.ts';
import { outOfReach } from './reach.ts';
import type { Reach } from './types.ts';

const GiB = 1024 ** 3;
const capacity = { memoryBytes: 8 * GiB, freeMemoryBytes: 4 * GiB, processes: 32_768, processors: 4 };
const { tmpfs } = strictPolicy;

test.each<[Reach, Partial<SandboxPolicy>, string | undefined]>([
  ['memory', {}, undefined],
  ['memory', { memoryBytes: GiB }, undefined],
  ['memory', { memoryBytes: 2 * GiB }, 'NOTHING'],
  ['memory', { memoryBytes: 8 * GiB }, 'ESCAPED'],
  ['processes', {}, undefined],
  ['processes', { pidsLimit: 4096 }, 'NOTHING'],
  ['processes', { pidsLimit: 32_768 }, 'ESCAPED'],
  ['processors', {}, undefined],
  ['processors', { cpus: 3 }, 'NOTHING'],
  ['processors', { cpus: 16 }, 'NOTHING'],
  ['tmpfs', {}, undefined],
  ['tmpfs', { tmpfs: tmpfs.map((mount) => ({ ...mount, inodes: 10_000_000 })) }, 'NOTHING'],
  // The memory limit of the sandbox is reached first.
  ['tmpfs', { tmpfs: tmpfs.map((mount) => ({ ...mount, sizeBytes: 8 * GiB })) }, undefined],
])('the limit of %s under %j: %s', (reach, changes, outcome) => {
  expect(outOfReach(reach, { ...strictPolicy, ...changes }, capacity)?.outcome).toBe(outcome);
});

test('this machine can reach the limits of the default policy', () => {
  for (const reach of ['memory', 'processes', 'tmpfs'] as const) {
    expect(outOfReach(reach, strictPolicy)).toBeUndefined();
  }
});
