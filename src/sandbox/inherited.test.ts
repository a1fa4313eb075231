import { once } from 'node:events';
import { arch } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { runCommand, startCommand } from '../lib/index.ts';
import {
  inheritedHere,
  inheritedNames,
  inheritedOf,
  inheritingArgv,
  settingArgv,
  shiftingClocks,
  waitingArgv,
  waitingWords,
} from './inherited.ts';
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

test('a host without these limits starts the runtime directly', () => {
  const none = { arch: 'x64' as const, inherited: new Set<never>() };
  const bare = { argv: ['crun', 'run'], keepsClocks: false };
  expect(inheritingArgv(strictPolicy, none, bare)).toEqual(['crun', 'run']);
  expect(inheritingArgv(strictPolicy, all, bare).slice(-3)).toEqual([
    ...['store-bypass,indirect-branch,core,scope', 'crun', 'run'],
  ]);
});

test.each([
  [
    'with nothing else to set',
    new Set<never>(),
    /^\/usr\/bin\/unshare --time --boottime (\d+) --monotonic \1 -- crun run$/,
  ],
  ['by the program that sets the rest', all.inherited, /^\/usr\/bin\/perl .*,scope,clocks=(\d+) crun run$/],
])('each sandbox’s clocks are shifted by a different time, %s', (_, inherited, shape) => {
  const start = { argv: ['crun', 'run'], keepsClocks: true };
  const offsets = [1, 2].map(() => {
    const [, seconds] =
      shape.exec(inheritingArgv(strictPolicy, { arch: 'x64', inherited }, start).join(' ')) ?? [];
    return Number(seconds);
  });
  for (const offset of offsets) expect(offset).toBeGreaterThanOrEqual(86_400);
  expect(offsets[0]).not.toBe(offsets[1]);
});

/** Clocks of this process, and of a program that it starts. */
test.skipIf(process.geteuid?.() !== 0)('both ways to shift clocks shift both of them', async () => {
  const show = ['/bin/cat', '/proc/self/timens_offsets'];
  for (const argv of [settingArgv(['clocks'], processor, show), shiftingClocks(show)]) {
    const { stdout } = await runCommand(argv, { timeoutMs: 10_000 });
    const [, seconds] = /^monotonic\s+(\d+)\s+0$/m.exec(stdout) ?? [];
    expect(Number(seconds)).toBeGreaterThanOrEqual(86_400);
    expect(stdout).toMatch(new RegExp(`^boottime\\s+${seconds}\\s+0$`, 'm'));
  }
});

test('every limit that is detected on this host can be set, and the program starts', async () => {
  for (const name of await inheritedHere(processor)) {
    const done = await runCommand(settingArgv([name], processor, ['/bin/echo', name, 'a b']), {
      timeoutMs: 10_000,
    });
    expect(done).toMatchObject({ code: 0, stdout: `${name} a b\n` });
  }
});

test('a limit that cannot be set keeps the program from starting', async () => {
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

describe('a process that waits', () => {
  /** Returns its output and its exit code after it has read these words. */
  async function tell(words: readonly string[]) {
    const child = startCommand(waitingArgv, { stdio: ['ignore', 'pipe', 'ignore', 'ignore', 'pipe'] });
    const [, stdout, , , line] = child.stdio;
    if (!(stdout instanceof Readable) || !(line instanceof Writable)) throw new TypeError('no pipes');
    const exited = once(child, 'exit');
    line.end(words.join('\0'));
    const [said, [code]] = await Promise.all([text(stdout), exited]);
    return { said, code };
  }
  const seeing = ['/bin/sh', '-c', 'pwd; echo "$1"; ls /proc/self/fd', 'sh', 'a\nb'];

  test.each([
    ['with nothing to set', seeing],
    ['with what can be set here', settingArgv(['clocks'], processor, seeing)],
  ])('becomes the program %s, and leaves it no descriptor', async (_, argv) => {
    // Ignore the descriptors that the test itself leaves open.
    const said = (await runCommand(seeing, { cwd: '/proc', timeoutMs: 10_000 })).stdout;
    expect(await tell(['/proc', ...waitingWords(argv), 'end'])).toEqual({ said, code: 0 });
  });

  test.each([
    ['nothing', []],
    ['an order that breaks off', ['/proc', ...waitingWords(seeing)]],
    ['a folder that does not exist', ['/no-such', ...waitingWords(seeing), 'end']],
    ['a limit that does not exist', ['/', processor, 'no-such', ...seeing, 'end']],
  ])('starts nothing when it reads %s', async (_, words) => {
    expect(await tell(words)).toEqual({ said: '', code: expect.any(Number) });
  });
});
