import { arch } from 'node:os';
import { expect, test } from 'vitest';
import { runCommand } from '../lib/index.ts';
import { inheritedHere, inheritedNames, inheritedOf, inheritingArgv, settingArgv } from './inherited.ts';
import { type SandboxPolicy, strictPolicy } from './policy.ts';

const all = { arch: 'x64' as const, inherited: new Set(inheritedNames) };
const processor = arch() === 'arm64' ? 'arm64' : 'x64';

test.each<[Partial<SandboxPolicy>, readonly string[]]>([
  [{}, ['store-bypass', 'indirect-branch', 'core', 'scope']],
  [{ writeExecute: 'refused' }, [...inheritedNames]],
  [{ writeExecute: 'allowed', landlock: undefined }, ['store-bypass', 'indirect-branch', 'core']],
  [{ coreScheduling: false, speculationControl: false }, ['scope']],
  [{ runtime: 'runsc', writeExecute: 'refused' }, ['store-bypass', 'indirect-branch', 'core']],
])('a policy with %j has %j set, where the host can', (changes, names) => {
  expect(inheritedOf({ ...strictPolicy, ...changes }, all)).toEqual(names);
});

test('a host that has none of it starts the runtime as it is', () => {
  const none = { arch: 'x64' as const, inherited: new Set<never>() };
  expect(inheritingArgv(strictPolicy, none, ['crun'])).toEqual(['crun']);
  expect(inheritingArgv(strictPolicy, all, ['crun', 'run']).slice(-3)).toEqual([
    ...['store-bypass,indirect-branch,core,scope', 'crun', 'run'],
  ]);
});

test('what this host is said to have can be set, and the program is started', async () => {
  for (const name of await inheritedHere(processor)) {
    const done = await runCommand(settingArgv([name], processor, ['/bin/echo', name, 'a b']), {
      timeoutMs: 10_000,
    });
    expect(done).toMatchObject({ code: 0, stdout: `${name} a b\n` });
  }
});

test('what can not be set keeps the program from starting', async () => {
  const argv = [
    '/usr/bin/perl',
    settingArgv(['core'], processor, [])[1] ?? '',
    processor,
    'no-such',
    '/bin/echo',
    'x',
  ];
  const done = await runCommand(argv, { timeoutMs: 10_000 });
  expect(done.code).not.toBe(0);
  expect(done.stdout).toBe('');
});
