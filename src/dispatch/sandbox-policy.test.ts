import { describe, expect, it } from 'vitest';
import { operatorPolicy, strictPolicy } from '../sandbox/index.ts';
import { sandboxPolicy } from './sandbox-policy.ts';

const mebibyte = 1024 * 1024;
const limits = { timeoutMs: 100, memoryMiB: 128, logBytes: 0, concurrency: 1 };
const operator = operatorPolicy({ cpus: 0.5, allow: { cpus: 2, tmpfs: 256 * mebibyte } });

describe('the policy of an action’s sandboxes', () => {
  it('is the operator’s with the action’s memory if the action asks for nothing', () => {
    const { policy, isDefault } = sandboxPolicy({ limits }, operator);
    expect({ isDefault, ...policy }).toEqual({
      isDefault: true,
      ...strictPolicy,
      cpus: 0.5,
      memoryBytes: 128 * mebibyte,
    });
  });

  it('is the default if the action asks for exactly the default', () => {
    expect(sandboxPolicy({ limits: { ...limits, cpus: 0.5, diskMiB: 64 } }, operator).isDefault).toBe(true);
  });

  it('has the requested processors and disk, and inodes in proportion', () => {
    const { policy, isDefault } = sandboxPolicy({ limits: { ...limits, cpus: 2, diskMiB: 128 } }, operator);
    expect({ isDefault, cpus: policy.cpus }).toEqual({ isDefault: false, cpus: 2 });
    expect(policy.tmpfs).toEqual([
      { path: '/tmp', sizeBytes: 128 * mebibyte, inodes: 8192, exec: false },
      strictPolicy.tmpfs[1],
    ]);
    expect(sandboxPolicy({ limits: { ...limits, diskMiB: 1 } }, operator).policy.tmpfs[0]?.inodes).toBe(1024);
  });

  it.each([{ cpus: 2.5 }, { diskMiB: 250 }])('is refused beyond the operator’s ceiling: %j', (asked) => {
    expect(() => sandboxPolicy({ limits: { ...limits, ...asked } }, operator)).toThrow(
      expect.objectContaining({ code: 'POLICY_EXCEEDED' }),
    );
  });

  it('is not refused for a value of the operator’s own default', () => {
    const generous = operatorPolicy({ cpus: 64 });
    expect(sandboxPolicy({ limits }, generous).policy.cpus).toBe(64);
  });
});
