import { expect, test } from 'vitest';
import { checkFitness, type HostState } from './fitness.ts';

const fit: HostState = {
  status: 'Name:\tnode\nCapEff:\t000001ffffffffff\n',
  limits: 'Max open files            1024                 524288               files     \n',
  closedGroups: [],
};

test('a host with everything is fit', () => {
  expect(() => checkFitness(4096, fit)).not.toThrow();
});

test('what Ward can do without may be missing', () => {
  // CAP_SYS_RESOURCE and CAP_SYS_NICE.
  expect(() => checkFitness(4096, { ...fit, status: 'CapEff:\t000001fffe7fffff\n' })).not.toThrow();
});

test('an unlimited number of files is enough', () => {
  const limits = 'Max open files            1024                 unlimited            files\n';
  expect(() => checkFitness(4096, { ...fit, limits })).not.toThrow();
});

test('names all that is missing at once, and what to do about each', () => {
  const bare: HostState = {
    status: 'CapEff:\t000001ffffdfffbf\n',
    limits: 'Max open files            256                  1024                 files\n',
    closedGroups: ["control groups can't be made in /sys/fs/cgroup (EROFS: read-only file system)"],
  };
  expect(() => checkFitness(4096, bare)).toThrow(
    expect.objectContaining({
      code: 'HOST_UNFIT',
      message: [
        "Ward can't run sandboxes here: CAP_SETGID is missing (to map group ids of sandboxes)",
        'CAP_SYS_ADMIN is missing (to make namespaces and mounts)',
        "control groups can't be made in /sys/fs/cgroup (EROFS: read-only file system)",
        'this process may have 1024 files open, and needs 4096',
      ].join('; '),
      hint: expect.stringMatching(/CapabilityBoundingSet.*ProtectControlGroups.*LimitNOFILE/),
    }),
  );
});
