import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { strictPolicy } from '../policy.ts';
import { input, v1Host, v2Host } from '../testing/spec-input.ts';
import { buildSpec } from './build.ts';

const MiB = 1024 * 1024;

test('the strict policy', () => {
  const spec = buildSpec(input);
  expect(spec.root).toEqual({ path: tmpdir(), readonly: true });
  expect(spec.process).toMatchObject({
    terminal: false,
    user: { uid: 1000, gid: 1000, umask: 0o077 },
    args: ['/usr/bin/node', 'x.js'],
    env: ['PATH=/usr/bin'],
    capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
    noNewPrivileges: true,
    oomScoreAdj: 500,
  });
  expect(spec.process.rlimits).toContainEqual({ type: 'RLIMIT_CORE', soft: 1, hard: 1 });
  expect(spec.process.rlimits).toContainEqual({ type: 'RLIMIT_NPROC', soft: 256, hard: 256 });
  expect(spec.process.rlimits).toContainEqual({ type: 'RLIMIT_FSIZE', soft: 64 * MiB, hard: 64 * MiB });
  expect(spec.linux.cgroupsPath).toBe('/ward/one/a1');
  expect(spec.linux.rootfsPropagation).toBe('private');
  expect(spec.linux.uidMappings).toEqual([{ containerID: 0, hostID: 2 ** 30, size: 65536 }]);
  expect(spec.linux.gidMappings).toEqual(spec.linux.uidMappings);
  expect(spec.linux.namespaces.map(({ type }) => type)).toEqual([
    ...['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup', 'time'],
  ]);
});

test('settings of its network under crun, which can write them, but not of a network that was made before', () => {
  expect(buildSpec(input).linux.sysctl).toEqual({
    'net.ipv4.tcp_rmem': '4096 32768 6291456',
    'net.ipv4.tcp_max_tw_buckets': '4096',
  });
  const runc = { ...input.runtime, name: 'runc' as const };
  expect(buildSpec({ ...input, runtime: runc }).linux.sysctl).toBeUndefined();
  const network = {
    namespace: '/run/ward/one/bundles/a1/net',
    resolvConf: '/run/ward/one/bundles/a1/resolv.conf',
  };
  expect(buildSpec({ ...input, network }).linux.sysctl).toBeUndefined();
});

test('mounts: nothing but /proc, /dev, two limited tmpfs and the code', () => {
  expect(buildSpec(input).mounts).toEqual([
    {
      destination: '/proc',
      type: 'proc',
      source: 'proc',
      options: ['nosuid', 'noexec', 'nodev', 'hidepid=2', 'subset=pid'],
    },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'dev',
      options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k', 'nr_inodes=32', 'ro'],
    },
    {
      destination: '/tmp',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'nodev', 'noexec', 'mode=1777', `size=${64 * MiB}`, 'nr_inodes=4096'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'nodev', 'noexec', 'mode=1777', `size=${16 * MiB}`, 'nr_inodes=256'],
    },
    {
      destination: '/fn',
      type: 'bind',
      source: tmpdir(),
      options: ['bind', 'ro', 'nosuid', 'nodev', 'private'],
    },
  ]);
  expect(buildSpec({ ...input, codeDir: undefined }).mounts).toHaveLength(4);
});

test('the sandbox’s own device files are mounted read-only, unless the policy has another tmpfs in /dev', () => {
  const own = { ...input, deviceDir: '/run/ward/devices/0' };
  expect(buildSpec(own).mounts[1]).toEqual({
    destination: '/dev',
    type: 'bind',
    source: '/run/ward/devices/0',
    options: ['bind', 'ro', 'nosuid', 'noexec', 'private'],
  });
  const tmpfs = [...strictPolicy.tmpfs, { path: '/dev/scratch', sizeBytes: MiB, inodes: 8, exec: false }];
  expect(buildSpec({ ...own, policy: { ...strictPolicy, tmpfs } }).mounts[1]?.type).toBe('tmpfs');
});

test('a runtime that can’t reduce /proc gets masked paths instead', () => {
  const spec = buildSpec({ ...input, runtime: { ...input.runtime, procSubset: false } });
  expect(spec.mounts[0]?.options).toEqual(['nosuid', 'noexec', 'nodev']);
  expect(spec.linux.maskedPaths).toEqual(
    expect.arrayContaining(['/proc/kcore', '/proc/keys', '/proc/interrupts']),
  );
  expect(spec.linux.readonlyPaths).toContain('/proc/sys');
});

test('a runtime without time namespaces isn’t asked for one', () => {
  const spec = buildSpec({ ...input, runtime: { ...input.runtime, timeNamespace: false } });
  expect(spec.linux.namespaces.map(({ type }) => type)).not.toContain('time');
});

test('limits on version 2', () => {
  const policy = { ...strictPolicy, cpus: 0.5, cpuWeight: 50, memoryBytes: 128 * MiB };
  expect(buildSpec({ ...input, policy }).linux.resources).toMatchObject({
    memory: { limit: 128 * MiB, swap: 128 * MiB },
    cpu: { quota: 50_000, period: 100_000 },
    pids: { limit: 128 },
    unified: { 'cpu.weight': '50' },
    blockIO: {
      weight: 100,
      throttleReadBpsDevice: [{ major: 254, minor: 0, rate: 512 * MiB }],
    },
  });
  expect(buildSpec(input).linux.resources.memory).not.toHaveProperty('swappiness');
});

test('limits on version 1: shares, swappiness, and no weight where no disk scheduler has it', () => {
  const { resources } = buildSpec({ ...input, host: v1Host }).linux;
  expect(resources).toMatchObject({ memory: { swappiness: 0 }, cpu: { shares: 1024 } });
  expect(resources).not.toHaveProperty('unified');
  expect(resources.blockIO).not.toHaveProperty('weight');
  expect(resources.blockIO).toHaveProperty('throttleWriteBpsDevice');
});

test('io limits only where there is a controller, and never for runsc', () => {
  const noIo = { ...v2Host, cgroup: { ...v2Host.cgroup, controllers: new Map([['memory', '/c']]) } };
  expect(buildSpec({ ...input, host: noIo }).linux.resources).not.toHaveProperty('blockIO');
  const runsc = buildSpec({ ...input, policy: { ...strictPolicy, runtime: 'runsc' } });
  expect(runsc.linux.resources).not.toHaveProperty('blockIO');
});

test('devices: only six, and none can be made', () => {
  const { devices } = buildSpec(input).linux.resources;
  expect(devices[0]).toEqual({ allow: false, access: 'rwm' });
  expect(devices).toHaveLength(7);
  expect(buildSpec(input).linux.devices).toEqual([]);
});

test('Landlock: setpriv applies it and becomes the program; tmpfs is writable', () => {
  const spec = buildSpec({ ...input, landlockLauncher: '/usr/bin/setpriv' });
  const write =
    'write-file,read-file,read-dir,truncate,refer,remove-dir,remove-file,make-dir,make-reg,make-sock,make-fifo,make-sym';
  expect(spec.process.args).toEqual([
    ...['/usr/bin/setpriv', '--landlock-access', 'fs'],
    ...['--landlock-rule', 'path-beneath:execute,read-file,read-dir:/'],
    ...['--landlock-rule', 'path-beneath:write-file:/dev'],
    ...['--landlock-rule', `path-beneath:${write}:/tmp`],
    ...['--landlock-rule', `path-beneath:${write}:/dev/shm`],
    ...['--', '/usr/bin/node', 'x.js'],
  ]);
  expect(spec.linux.seccomp.syscalls[0]?.names).toContain('landlock_restrict_self');
  const off = buildSpec({
    ...input,
    landlockLauncher: '/usr/bin/setpriv',
    policy: { ...strictPolicy, landlock: undefined },
  });
  expect(off.process.args).toEqual(['/usr/bin/node', 'x.js']);
  expect(off.linux.seccomp.syscalls[0]?.names).not.toContain('landlock_restrict_self');
});

test('AppArmor and SELinux fields where the host has them, and only there', () => {
  const policy = {
    ...strictPolicy,
    apparmorProfile: 'ward',
    selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2',
  };
  const without = buildSpec({ ...input, policy });
  expect(without.process).not.toHaveProperty('apparmorProfile');
  expect(without.process).not.toHaveProperty('selinuxLabel');
  expect(without.linux).not.toHaveProperty('mountLabel');
  const lsm = {
    landlock: true,
    apparmorProfiles: new Set(['ward']),
    apparmorParser: undefined,
    selinux: 'enforcing' as const,
  };
  const spec = buildSpec({ ...input, policy, host: { ...v2Host, lsm } });
  expect(spec.process).toMatchObject({ apparmorProfile: 'ward', selinuxLabel: policy.selinuxLabel });
  expect(spec.linux.mountLabel).toBe('system_u:object_r:container_file_t:s0:c1,c2');
  const own = { ...policy, selinuxLabel: 'system_u:system_r:container_t:s0' };
  const labels = [0, 1].map((slot) => {
    const made = buildSpec({
      ...input,
      policy: own,
      host: { ...v2Host, lsm },
      firstId: 2 ** 30 + slot * 65536,
    });
    return [made.process.selinuxLabel, made.linux.mountLabel];
  });
  expect(labels).toEqual([
    ['system_u:system_r:container_t:s0:c0,c1', 'system_u:object_r:container_file_t:s0:c0,c1'],
    ['system_u:system_r:container_t:s0:c0,c2', 'system_u:object_r:container_file_t:s0:c0,c2'],
  ]);
});

test('a capability that the policy grants is in all five sets', () => {
  const spec = buildSpec({ ...input, policy: { ...strictPolicy, capabilities: ['CAP_CHOWN'] } });
  expect(Object.values(spec.process.capabilities)).toEqual(Array(5).fill(['CAP_CHOWN']));
});
