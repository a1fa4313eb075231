import { describe, expect, test } from 'vitest';
import { strictestOf } from './intersect.ts';
import { strictProfile } from './profile.ts';

const none = { extraCalls: [], capabilities: [] };
const ERRNO = 'SCMP_ACT_ERRNO';
const ALLOW = 'SCMP_ACT_ALLOW';
const args = (op: string, value: number, index = 0, valueTwo?: number) => [
  { index, value, op, ...(valueTwo === undefined ? {} : { valueTwo }) },
];
const denyAllBut = (...syscalls: object[]) => ({ defaultAction: ERRNO, defaultErrnoRet: 1, syscalls });

test('a profile that allows everything gets the strict list', () => {
  const profile = strictestOf([{ defaultAction: ALLOW }], none);
  expect([...profile.allow.keys()]).toEqual([...strictProfile.allow.keys()]);
  expect(profile.otherwise).toEqual({ errno: 1 });
  expect(profile.notGranted).toEqual([]);
});

test('a profile can remove a call, with its own errno', () => {
  const syscalls = [{ names: ['mkdir', 'mkdirat'], action: ERRNO, errnoRet: 30 }];
  const profile = strictestOf([{ defaultAction: ALLOW, syscalls }], none);
  expect(profile.allow.has('mkdir')).toBe(false);
  expect(profile.refuse.get('mkdirat')).toEqual({ errno: 30 });
  expect(profile.allow.has('read')).toBe(true);
});

test('calls beyond the list are not granted, and reported', () => {
  const profile = strictestOf([denyAllBut({ names: ['read', 'ptrace', 'mount'], action: ALLOW })], none);
  expect([...profile.allow.keys()]).toEqual(['read']);
  expect(profile.refuse.get('ptrace')).toBe('kill');
  expect(profile.notGranted).toEqual(['ptrace', 'mount']);
});

test('unless the operator allows it', () => {
  const profile = denyAllBut({ names: ['read', 'ptrace'], action: ALLOW });
  const result = strictestOf([profile], { ...none, extraCalls: ['ptrace'] });
  expect([...result.allow.keys()]).toEqual(['read', 'ptrace']);
  expect(result.notGranted).toEqual([]);
});

test.each([
  [
    'an equality on a call that Ward allows always',
    'lseek',
    args('SCMP_CMP_EQ', 2, 2),
    [[{ index: 2, value: 2 }]],
  ],
  [
    'an inequality against values that Ward pins',
    'socketpair',
    args('SCMP_CMP_NE', 40),
    [[{ index: 0, value: 1 }]],
  ],
  ['an equality with what Ward pins', 'socketpair', args('SCMP_CMP_EQ', 1), [[{ index: 0, value: 1 }]]],
  ['a contradiction with what Ward pins', 'socketpair', args('SCMP_CMP_EQ', 2), undefined],
  ['an order against values that Ward pins', 'socketpair', args('SCMP_CMP_LT', 1), undefined],
  [
    'a mask joined with Ward’s mask',
    'clone',
    args('SCMP_CMP_MASKED_EQ', 0x8000_0000, 0, 0x8000_0000),
    [[{ index: 0, mask: 0xfe02_0000, value: 0x8000_0000 }]],
  ],
  [
    'a mask that contradicts Ward’s',
    'clone',
    args('SCMP_CMP_MASKED_EQ', 0x1000_0000, 0, 0x1000_0000),
    undefined,
  ],
  ['a value within Ward’s mask', 'clone', args('SCMP_CMP_EQ', 0x11), [[{ index: 0, value: 0x11 }]]],
  ['a value against Ward’s mask', 'clone', args('SCMP_CMP_EQ', 0x1000_0011), undefined],
])('%s', (_, name, tests, expected) => {
  const profile = strictestOf([denyAllBut({ names: [name], action: ALLOW, args: tests })], none);
  expect(profile.allow.get(name)).toEqual(expected);
});

test('rules for capabilities that the sandbox doesn’t have, or other processors, don’t apply', () => {
  const profile = denyAllBut(
    { names: ['read'], action: ALLOW, includes: { caps: ['CAP_CHOWN'] } },
    { names: ['write'], action: ALLOW, excludes: { caps: ['CAP_CHOWN'] } },
    { names: ['close'], action: ALLOW, includes: { arches: ['s390'] } },
  );
  expect([...strictestOf([profile], none).allow.keys()]).toEqual(['write']);
  const withCap = { ...none, capabilities: ['CAP_CHOWN'] };
  expect([...strictestOf([profile], withCap).allow.keys()]).toEqual(['read']);
});

describe('of several profiles', () => {
  const without = (...names: string[]) => ({
    defaultAction: ALLOW,
    syscalls: [{ names, action: ERRNO, errnoRet: 30 }],
  });
  const everything = { defaultAction: ALLOW, syscalls: [{ names: ['mkdir', 'ptrace'], action: ALLOW }] };

  test.each([
    ['first', [without('mkdir'), everything]],
    ['last', [everything, without('mkdir')]],
  ])('no profile restores what another removes: %s', (_, profiles) => {
    const both = strictestOf(profiles, none);
    expect(both.allow.has('mkdir')).toBe(false);
    expect(both.refuse.get('mkdir')).toEqual({ errno: 30 });
    expect(both.allow.has('rmdir')).toBe(true);
  });

  test('each removes its own calls', () => {
    const both = strictestOf([without('mkdir'), without('rmdir')], none);
    expect(['mkdir', 'rmdir', 'rename'].map((name) => both.allow.has(name))).toEqual([false, false, true]);
  });

  test('conditions on one call hold together', () => {
    const only = (...values: number[]) =>
      denyAllBut(
        ...values.map((value) => ({ names: ['lseek'], action: ALLOW, args: args('SCMP_CMP_EQ', value, 2) })),
      );
    expect(strictestOf([only(0, 2), only(2, 4)], none).allow.get('lseek')).toEqual([
      [{ index: 2, value: 2 }],
    ]);
    expect(strictestOf([only(0), only(4)], none).allow.has('lseek')).toBe(false);
  });

  test('a call that the operator permits is granted only where each profile allows it', () => {
    const calls = { ...none, extraCalls: ['ptrace'] };
    const [grants, denies] = [denyAllBut({ names: ['read', 'ptrace'], action: ALLOW }), without('ptrace')];
    expect(strictestOf([grants, grants], calls).allow.has('ptrace')).toBe(true);
    expect(strictestOf([denies, grants], calls).allow.has('ptrace')).toBe(false);
    expect(strictestOf([denies, grants], calls).notGranted).toEqual(['ptrace']);
  });

  test('their conditions do not multiply without limit', () => {
    const syscalls = Array.from({ length: 200 }, (_, value) => ({
      names: ['lseek'],
      action: ALLOW,
      args: args('SCMP_CMP_EQ', value, 2),
    }));
    const many = denyAllBut(...syscalls);
    expect(() => strictestOf([many, many], none)).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID', message: expect.stringContaining('lseek') }),
    );
  });
});

test.each([
  [
    'an order on a value that isn’t known',
    denyAllBut({ names: ['lseek'], action: ALLOW, args: args('SCMP_CMP_LT', 3) }),
  ],
  [
    'a denial by argument',
    { defaultAction: ALLOW, syscalls: [{ names: ['read'], action: ERRNO, args: args('SCMP_CMP_EQ', 3) }] },
  ],
  [
    'two tests of one argument',
    denyAllBut({
      names: ['read'],
      action: ALLOW,
      args: [...args('SCMP_CMP_EQ', 1), ...args('SCMP_CMP_EQ', 2)],
    }),
  ],
  [
    'handing calls to another process',
    { defaultAction: ALLOW, syscalls: [{ names: ['read'], action: 'SCMP_ACT_NOTIFY' }] },
  ],
  ['no default', { syscalls: [] }],
  ['no object', 'strict'],
  [
    'an index that isn’t one',
    denyAllBut({ names: ['read'], action: ALLOW, args: args('SCMP_CMP_EQ', 1, 6) }),
  ],
])('%s is refused', (_, profile) => {
  expect(() => strictestOf([profile], none)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
});

test('Docker’s own default profile is accepted, but grants nothing more', () => {
  const [base, ...rules] = [
    {
      names: [...strictProfile.allow.keys()].filter((name) => !/^(?:clone|socket)$/.test(name)),
      action: ALLOW,
    },
    { names: ['process_vm_readv', 'ptrace'], action: ALLOW, includes: { minKernel: '4.8' } },
    { names: ['socket'], action: ALLOW, args: args('SCMP_CMP_NE', 40) },
    { names: ['personality'], action: ALLOW, args: args('SCMP_CMP_EQ', 8) },
    { names: ['arch_prctl'], action: ALLOW, includes: { arches: ['amd64', 'x32'] } },
    { names: ['mount', 'setns'], action: ALLOW, includes: { caps: ['CAP_SYS_ADMIN'] } },
    {
      names: ['clone'],
      action: ALLOW,
      args: args('SCMP_CMP_MASKED_EQ', 2_114_060_288, 0, 0),
      excludes: { caps: ['CAP_SYS_ADMIN'], arches: ['s390', 's390x'] },
    },
    { names: ['clone3'], action: ERRNO, errnoRet: 38, excludes: { caps: ['CAP_SYS_ADMIN'] } },
  ];
  const docker = {
    defaultAction: ERRNO,
    defaultErrnoRet: 1,
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] }],
    syscalls: [base, ...rules],
  };
  const profile = strictestOf([docker], none);
  expect(new Set(profile.allow.keys())).toEqual(new Set(strictProfile.allow.keys()));
  expect(profile.allow.get('clone')).toEqual(strictProfile.allow.get('clone'));
  expect(profile.notGranted).toEqual(expect.arrayContaining(['ptrace', 'process_vm_readv', 'personality']));
  expect(profile.notGranted).not.toContain('mount');
});
