import { expect, test } from 'vitest';
import { compileSeccomp } from './compile.ts';
import { type RefusedCall, type SeccompProfile, strictProfile } from './profile.ts';

const names = (profile: SeccompProfile, arch: 'x64' | 'arm64', landlock = false) =>
  new Set(compileSeccomp(profile, { arch, landlock }).syscalls.flatMap((rule) => rule.names));

test('the native architecture only, everything else refused with EPERM', () => {
  expect(compileSeccomp(strictProfile, { arch: 'x64', landlock: false })).toMatchObject({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64'],
  });
});

test('equalities and masks, nothing else', () => {
  const ops = compileSeccomp(strictProfile, { arch: 'x64', landlock: true }).syscalls.flatMap(
    ({ args = [] }) => args.map(({ op }) => op),
  );
  expect(new Set(ops)).toEqual(new Set(['SCMP_CMP_EQ', 'SCMP_CMP_MASKED_EQ']));
});

test('the mask is the first value of the runtime’s form, the value to equal the second', () => {
  const { syscalls } = compileSeccomp(strictProfile, { arch: 'x64', landlock: false });
  expect(syscalls.find((rule) => rule.names.includes('clone'))?.args).toEqual([
    { index: 0, value: 0x7e02_0000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' },
  ]);
});

test('arm64 has no calls that it never had', () => {
  const arm64 = names(strictProfile, 'arm64');
  const x64 = names(strictProfile, 'x64');
  for (const name of ['open', 'stat', 'fork', 'arch_prctl', 'iopl', 'select']) {
    expect(x64.has(name)).toBe(true);
    expect(arm64.has(name)).toBe(false);
  }
  for (const name of ['openat', 'newfstatat', 'clone', 'ppoll', 'socket']) expect(arm64.has(name)).toBe(true);
});

test('Landlock calls only where they are used', () => {
  expect(names(strictProfile, 'x64').has('landlock_restrict_self')).toBe(false);
  expect(names(strictProfile, 'x64', true).has('landlock_restrict_self')).toBe(true);
});

test('one rule for each kind of refusal, none that repeats the default, none for an allowed call', () => {
  const profile: SeccompProfile = {
    name: 'test',
    otherwise: { errno: 1 },
    answered: [],
    notGranted: [],
    allow: new Map([['read', []]]),
    refuse: new Map<string, RefusedCall>([
      ['read', 'kill'],
      ['bpf', 'kill'],
      ['mount', 'kill'],
      ['clone3', { errno: 38 }],
      ['mknod', { errno: 1 }],
    ]),
  };
  expect(compileSeccomp(profile, { arch: 'x64', landlock: false }).syscalls).toEqual([
    { names: ['read'], action: 'SCMP_ACT_ALLOW' },
    { names: ['bpf', 'mount'], action: 'SCMP_ACT_KILL_PROCESS' },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
  ]);
});
