import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OciLinux, OciMount, OciProcess, OciSpec } from '../oci-config.ts';
import { strictPolicy } from '../policy.ts';
import { input } from '../testing/spec-input.ts';
import { buildSpec } from './build.ts';
import { validateSpec, validations } from './validations.ts';

const context = {
  instancePath: '/ward/one',
  policy: strictPolicy,
  bundleDir: '/run/ward/one/bundles/a1',
  deviceDir: '/run/ward/one/devices/0',
};
const good = buildSpec(input);

const linux = (changes: Partial<OciLinux>): OciSpec => ({ ...good, linux: { ...good.linux, ...changes } });
const resources = (changes: Partial<OciLinux['resources']>) =>
  linux({ resources: { ...good.linux.resources, ...changes } });
const seccomp = (changes: Partial<OciLinux['seccomp']>) =>
  linux({ seccomp: { ...good.linux.seccomp, ...changes } });
const inProcess = (changes: Partial<OciProcess>): OciSpec => ({
  ...good,
  process: { ...good.process, ...changes },
});
const mount = (destination: string, changes: Partial<OciMount>): OciSpec => ({
  ...good,
  mounts: good.mounts.map((entry) => (entry.destination === destination ? { ...entry, ...changes } : entry)),
});
const withoutOption = (destination: string, name: string): OciSpec => ({
  ...good,
  mounts: good.mounts.map((entry) =>
    entry.destination === destination
      ? { ...entry, options: entry.options.filter((option) => !option.startsWith(name)) }
      : entry,
  ),
});
const mapping = { containerID: 0, hostID: 2 ** 30, size: 65536 };
const link = join(mkdtempSync(join(tmpdir(), 'ward-link-')), 'link');

beforeAll(() => symlinkSync(tmpdir(), link));
afterAll(() => rmSync(join(link, '..'), { recursive: true }));

test('the strict policy breaks no rule', () => {
  expect(() => validateSpec(good, context)).not.toThrow();
});

const withDevices = buildSpec({ ...input, deviceDir: context.deviceDir });

/** Each rule, with configurations that break only this rule. */
const breakers: Readonly<Record<string, readonly OciSpec[]>> = {
  'the cgroup path is absolute and one level below the instance': [
    linux({ cgroupsPath: '' }),
    linux({ cgroupsPath: 'ward/one/a' }),
    linux({ cgroupsPath: '/ward/two/a' }),
    linux({ cgroupsPath: '/ward/one/../../a' }),
    linux({ cgroupsPath: '/ward/one/' }),
  ],
  'every kind of namespace is new, or made for this sandbox': [
    ...['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'].map((kind) =>
      linux({ namespaces: good.linux.namespaces.filter(({ type }) => type !== kind) }),
    ),
    linux({
      namespaces: good.linux.namespaces.map((entry) => ({ ...entry, path: '/proc/1/ns/pid' })),
    }),
  ],
  'ids map to one range high above the host’s own, and container id 0 is mapped': [
    linux({ uidMappings: [] }),
    linux({ gidMappings: [{ ...mapping, hostID: 0 }] }),
    linux({ uidMappings: [{ ...mapping, containerID: 1 }] }),
    linux({ uidMappings: [{ ...mapping, size: 65537 }] }),
    linux({ uidMappings: [mapping, { ...mapping, containerID: 65536 }] }),
    linux({ uidMappings: [{ ...mapping, hostID: 2 ** 30 + 1 }] }),
  ],
  'no capability that the policy doesn’t name': (
    ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const
  ).map((set) => inProcess({ capabilities: { ...good.process.capabilities, [set]: ['CAP_SYS_ADMIN'] } })),
  'no new privileges': [inProcess({ noNewPrivileges: false })],
  'the root is read-only': [{ ...good, root: { ...good.root, readonly: false } }],
  'the root folder is not a symbolic link': [
    { ...good, root: { path: link, readonly: true } },
    { ...good, root: { path: 'rootfs', readonly: true } },
  ],
  '/dev is a tmpfs or a read-only folder of Ward’s own, mounted before anything in it': [
    { ...withDevices, mounts: withDevices.mounts.toReversed() },
    buildSpec({ ...input, deviceDir: tmpdir() }),
    { ...good, mounts: good.mounts.filter(({ destination }) => destination !== '/dev') },
    { ...good, mounts: good.mounts.toReversed() },
  ],
  '/proc shows processes only, or its other files are masked': [
    withoutOption('/proc', 'noexec'),
    {
      ...withoutOption('/proc', 'subset'),
      linux: { ...good.linux, maskedPaths: [] },
    },
    { ...good, mounts: good.mounts.filter(({ destination }) => destination !== '/proc') },
  ],
  'nothing but /proc, tmpfs and bind mounts': [
    mount('/tmp', { destination: '/sys/fs/cgroup' }),
    { ...good, mounts: [...good.mounts, { destination: '/p', type: 'proc', source: 'proc', options: [] }] },
  ],
  'every tmpfs is limited in size and inodes, without set-uid, devices and programs': [
    ...['size', 'nr_inodes', 'nosuid', 'nodev', 'noexec'].map((name) => withoutOption('/tmp', name)),
    withoutOption('/dev', 'size'),
  ],
  'every bind mount is read-only, private, without set-uid and devices': [
    'ro',
    'private',
    'nosuid',
    'nodev',
  ].map((name) => withoutOption('/fn', name)),
  'no bind mount source is a symbolic link': [
    mount('/fn', { source: link }),
    mount('/fn', { source: '/nonexistent' }),
  ],
  'memory, processor and processes are limited, and there is no swap': [
    resources({ memory: { limit: 0 } }),
    resources({ memory: { limit: 100, swap: 200 } }),
    resources({ pids: { limit: -1 } }),
    resources({ cpu: { quota: -1, period: 100_000 } }),
  ],
  'settings apply to a new network namespace': [
    linux({ sysctl: { ...good.linux.sysctl, 'kernel.core_pattern': 'core' } }),
    linux({ sysctl: { ...good.linux.sysctl, 'net.ipv4.tcp_mem': '1 1 1' } }),
  ],
  'all devices are denied, then a few are allowed, and none can be made': [
    resources({ devices: [] }),
    resources({ devices: good.linux.resources.devices.slice(1) }),
    resources({
      devices: [
        ...good.linux.resources.devices,
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
      ],
    }),
    resources({ devices: [...good.linux.resources.devices, { allow: true, access: 'rw' }] }),
  ],
  'seccomp refuses every call that it doesn’t name': [seccomp({ defaultAction: 'SCMP_ACT_ALLOW' })],
  'seccomp compares by equality only, with one test per argument': [
    seccomp({
      syscalls: [
        {
          names: ['socket'],
          action: 'SCMP_ACT_ALLOW',
          args: [
            { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
            { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
          ],
        },
      ],
    }),
    JSON.parse(JSON.stringify(good).replaceAll('SCMP_CMP_MASKED_EQ', 'SCMP_CMP_NE')),
  ],
  'seccomp knows the native architecture only': [
    seccomp({ architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'] }),
    seccomp({ architectures: [] }),
  ],
  'no terminal': [JSON.parse(JSON.stringify(good).replace('"terminal":false', '"terminal":true'))],
  'mounts don’t propagate': [
    JSON.parse(JSON.stringify(good).replace('"rootfsPropagation":"private"', '"rootfsPropagation":"shared"')),
  ],
};

test('every rule has specs that break it', () => {
  expect(Object.keys(breakers).sort()).toEqual(validations.map(({ rule }) => rule).sort());
});

describe.each(Object.entries(breakers))('%s', (rule, specs) => {
  test.each(specs.map((spec, index) => [index + 1, spec] as const))('spec %i', (_, spec) => {
    expect(() => validateSpec(spec, context)).toThrow(
      expect.objectContaining({ code: 'SPEC_UNSAFE', message: expect.stringContaining(rule) }),
    );
  });
});
