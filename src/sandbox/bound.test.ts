import { expect, test } from 'vitest';
import { boundPolicy, type PolicyRequest, policyFor } from './bound.ts';
import { operatorPolicy, operatorPolicySchema } from './operator.ts';
import { strictPolicy } from './policy.ts';

const MiB = 1024 * 1024;
const operator = operatorPolicy();
const scratch = { path: '/scratch', sizeBytes: MiB, inodes: 10, exec: false };

test('an empty request gives the strict policy', () => {
  expect(boundPolicy({}, operator)).toEqual(strictPolicy);
});

test('a request within the ceiling applies', () => {
  const policy = boundPolicy(
    { memoryBytes: 2048 * MiB, cpus: 0.5, pidsLimit: 20, runtime: 'runc', uid: 0, tmpfs: [scratch] },
    operator,
  );
  expect(policy).toMatchObject({
    memoryBytes: 2048 * MiB,
    cpus: 0.5,
    pidsLimit: 20,
    runtime: 'runc',
    uid: 0,
  });
  expect(policy.tmpfs.map(({ path }) => path)).toEqual(['/tmp', '/dev/shm', '/scratch']);
  expect(Object.isFrozen(policy)).toBe(true);
});

test.each([
  ['by-kind', undefined, 'by-kind'],
  ['by-kind', 'refused', 'refused'],
  ['refused', undefined, 'refused'],
  ['allowed', 'refused', 'allowed'],
] as const)('writing code: the operator says %s, the kind says %s: %s', (said, writeExecute, applies) => {
  const saying = { ...operator, defaults: { ...strictPolicy, writeExecute: said } };
  const ask = { memoryBytes: 64 * MiB, ...(writeExecute === undefined ? {} : { writeExecute }) };
  for (const request of [{}, { cpus: 0.5 }]) {
    const expected = { memoryBytes: 64 * MiB, writeExecute: applies };
    expect(policyFor({ ...ask, request }, saying)).toMatchObject(expected);
  }
});

test('a tmpfs with the same path replaces the default one', () => {
  const policy = boundPolicy({ tmpfs: [{ ...scratch, path: '/tmp' }] }, operator);
  expect(policy.tmpfs.find(({ path }) => path === '/tmp')?.sizeBytes).toBe(MiB);
  expect(policy.tmpfs).toHaveLength(2);
});

const all = operator.ceiling.capabilities;
test.each<[given: string[], capAdd: string[], capDrop: string[], left: readonly string[]]>([
  [[], ['chown', 'CAP_KILL'], [], ['CAP_CHOWN', 'CAP_KILL']],
  [[], [], ['chown'], []],
  [['CAP_CHOWN', 'CAP_KILL'], [], ['chown'], ['CAP_KILL']],
  [['CAP_CHOWN', 'CAP_KILL'], [], ['ALL'], []],
  [['CAP_CHOWN', 'CAP_KILL'], ['kill'], ['ALL'], ['CAP_KILL']],
  [[], ['kill'], ['kill'], []],
  [[], ['all'], [], all],
  [[], ['ALL'], ['CAP_CHOWN'], all.filter((name) => name !== 'CAP_CHOWN')],
  [['CAP_CHOWN'], ['ALL'], ['all', 'kill'], all.filter((name) => name !== 'CAP_KILL')],
])('capabilities: %j, with %j added and %j dropped, are %j', (capabilities, capAdd, capDrop, left) => {
  const granting = { ...operator, defaults: { ...strictPolicy, capabilities } };
  expect(boundPolicy({ capAdd, capDrop }, granting).capabilities.toSorted()).toEqual(left.toSorted());
});

test('a seccomp profile tightens', () => {
  const policy = boundPolicy(
    {
      seccomp: [
        { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] },
      ],
    },
    operator,
  );
  expect(policy.seccomp).toMatchObject({ name: 'custom' });
});

test('a seccomp profile tightens the default that the operator has', () => {
  const denies = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
  };
  const { seccomp } = boundPolicy({ seccomp: [denies] }, operator);
  const narrower = { ...operator, defaults: { ...strictPolicy, seccomp } };
  const policy = boundPolicy({ seccomp: [{ defaultAction: 'SCMP_ACT_ALLOW' }] }, narrower);
  expect(policy.seccomp).not.toBe('strict');
  expect(policy.seccomp !== 'strict' && policy.seccomp.allow.has('mkdir')).toBe(false);
});

test.each<[string, PolicyRequest]>([
  ['memory', { memoryBytes: 9 * 1024 * MiB }],
  ['cpus', { cpus: 17 }],
  ['pidsLimit', { pidsLimit: 5000 }],
  ['tmpfs', { tmpfs: [{ ...scratch, sizeBytes: 2048 * MiB }] }],
  ['tmpfs', { tmpfs: [{ ...scratch, exec: true }] }],
  ['capabilities', { capAdd: ['SYS_ADMIN'] }],
  ['capabilities', { capAdd: ['net_raw'] }],
  ['rootReadonly', { rootReadonly: false }],
])('%s beyond the ceiling: POLICY_EXCEEDED names it', (field, request) => {
  expect(() => boundPolicy(request, operator)).toThrow(
    expect.objectContaining({ code: 'POLICY_EXCEEDED', message: expect.stringMatching(`^${field}: `) }),
  );
});

test.each<[string, PolicyRequest]>([
  ['memory', { memoryBytes: 1 }],
  ['memory', { memoryBytes: Number.NaN }],
  ['cpus', { cpus: 0 }],
  ['cpuWeight', { cpuWeight: 0 }],
  ['pidsLimit', { pidsLimit: -1 }],
  ['uid', { uid: 65536 }],
  ['gid', { gid: -1 }],
  ['hostname', { hostname: 'a b' }],
  ['capabilities', { capAdd: ['everything'] }],
  ['capabilities', { capDrop: ['everything'] }],
  ['seccomp', { seccomp: [{}] }],
  ...[
    'scratch',
    '/',
    '/proc',
    '/proc/sys',
    '/dev',
    '/dev/x',
    '/sys/fs',
    '/fn',
    '/ward/x',
    '/a/../proc',
    '/a/',
    `/${'ü'.repeat(128)}`,
  ].map((path): [string, PolicyRequest] => ['tmpfs', { tmpfs: [{ ...scratch, path }] }]),
  ['tmpfs', { tmpfs: [{ ...scratch, sizeBytes: 0 }] }],
  ['tmpfs', { tmpfs: [{ ...scratch, inodes: 0 }] }],
])('an invalid %s: POLICY_INVALID names it (%j)', (field, request) => {
  expect(() => boundPolicy(request, operator)).toThrow(
    expect.objectContaining({ code: 'POLICY_INVALID', message: expect.stringMatching(`^${field}: `) }),
  );
});

test('an operator can allow less, and more', () => {
  const own = operatorPolicy(
    operatorPolicySchema.parse({
      memory: '128m',
      landlock: false,
      allow: { memory: '512m', runtimes: ['crun'], capabilities: ['net_raw'] },
    }),
  );
  expect(own.defaults).toMatchObject({ memoryBytes: 128 * MiB, landlock: undefined });
  expect(boundPolicy({ capAdd: ['net_raw'] }, own).capabilities).toEqual(['CAP_NET_RAW']);
  expect(() => boundPolicy({ memoryBytes: 513 * MiB }, own)).toThrow('512 MiB');
  expect(() => boundPolicy({ runtime: 'runc' }, own)).toThrow('runtime: runc');
});

test.each([
  { memory: 'lots' },
  { memory: 0 },
  { unknown: 1 },
  { allow: { everything: true } },
  { cpus: -1 },
  { required: ['good-will'] },
  { allow: { capabilities: ['CAP_EVERYTHING'] } },
  { runtime: 'docker' },
  { selinuxLabel: 'container_t' },
])('an operator’s file with %j is refused', (part) => {
  expect(operatorPolicySchema.safeParse(part).success).toBe(false);
});
