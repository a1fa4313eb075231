import { expect, test } from 'vitest';
import { checkFitness, type HostState } from './fitness.ts';

const fit: HostState = {
  status: 'Name:\tnode\nCapEff:\t000001ffffffffff\n',
  limits: 'Max open files            1024                 524288               files     \n',
  closedGroups: [],
  memoryBytes: 209_715_200,
};

const needs = { openFiles: 4096, memoryBytes: 209_715_200 };

test('a host with everything is fit', () => {
  expect(() => checkFitness(needs, fit)).not.toThrow();
});

test('capabilities that Ward does not need may be missing', () => {
  // CAP_SYS_RESOURCE and CAP_SYS_NICE.
  expect(() => checkFitness(needs, { ...fit, status: 'CapEff:\t000001fffe7fffff\n' })).not.toThrow();
});

test('an unlimited number of files is enough', () => {
  const limits = 'Max open files            1024                 unlimited            files\n';
  expect(() => checkFitness(needs, { ...fit, limits })).not.toThrow();
});

test('names everything that is missing, with a hint for each', () => {
  const bare: HostState = {
    status: 'CapEff:\t000001ffffdfffbf\n',
    limits: 'Max open files            256                  1024                 files\n',
    closedGroups: ["control groups can't be made in /sys/fs/cgroup (EROFS: read-only file system)"],
    memoryBytes: 104_857_600,
  };
  expect(() => checkFitness(needs, bare)).toThrow(
    expect.objectContaining({
      code: 'HOST_UNFIT',
      message: [
        "Ward can't run sandboxes here: CAP_SETGID is missing (to map group ids of sandboxes)",
        'CAP_SYS_ADMIN is missing (to make namespaces and mounts)',
        "control groups can't be made in /sys/fs/cgroup (EROFS: read-only file system)",
        'this process may have 1024 files open, and needs 4096',
        "its control group allows 100 MiB of memory, and Ward's own processes need 200 MiB",
      ].join('; '),
      hint: expect.stringMatching(/CapabilityBoundingSet.*ProtectControlGroups.*LimitNOFILE.*MemoryMax/),
    }),
  );
});
