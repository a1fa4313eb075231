/** A host and a request for the tests of this folder. */
import { tmpdir } from 'node:os';
import type { HostFeatures, RuntimeFeatures } from '../host/features.ts';
import { inheritedNames } from '../inherited.ts';
import { strictPolicy } from '../policy.ts';
import type { SpecInput } from '../runtime-config/input.ts';

export const v2Host: HostFeatures = {
  kernel: '6.12.0',
  arch: 'x64',
  isolated: true,
  cgroup: {
    mode: 'v2',
    version: 2,
    controllers: new Map(['cpu', 'memory', 'pids', 'io'].map((name) => [name, '/sys/fs/cgroup'])),
    swapLimit: true,
    ioWeight: true,
  },
  lsm: { landlock: true, apparmorProfiles: undefined, apparmorParser: undefined, selinux: 'off' },
  namespaces: new Set(['user', 'pid', 'mnt', 'ipc', 'uts', 'cgroup', 'net', 'time']),
  disks: [{ name: 'vda', major: 254, minor: 0 }],
  inherited: new Set(inheritedNames),
  egressObstacle: undefined,
};

export const v1Host: HostFeatures = {
  ...v2Host,
  cgroup: {
    mode: 'v1',
    version: 1,
    controllers: new Map(
      ['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'freezer', 'devices'].map((name) => [
        name,
        `/sys/fs/cgroup/${name}`,
      ]),
    ),
    swapLimit: true,
    ioWeight: false,
  },
};

export const crunFeatures: RuntimeFeatures = {
  name: 'crun',
  path: '/usr/bin/crun',
  version: '1.21',
  procSubset: true,
  timeNamespace: true,
  containerLabel: true,
  packageFixes: [],
};

export const input: SpecInput = {
  policy: strictPolicy,
  host: v2Host,
  runtime: crunFeatures,
  rootDir: tmpdir(),
  args: ['/usr/bin/node', 'x.js'],
  env: { PATH: '/usr/bin' },
  cwd: '/',
  codeDir: tmpdir(),
  deviceDir: undefined,
  cgroupPath: '/ward/one/a1',
  firstId: 2 ** 30,
  landlockLauncher: undefined,
  network: undefined,
};
