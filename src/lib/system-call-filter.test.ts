import { mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runCommand } from './command.ts';
import { type CallRights, systemCallFilterHere, systemCallFilterPath } from './system-call-filter.ts';

const folder = await mkdtemp(join(tmpdir(), 'ward-filter-'));
afterAll(() => rm(folder, { recursive: true }));
const fileOf = async (name: string, rights?: CallRights) => {
  const file = join(folder, name);
  await writeFile(file, systemCallFilterHere(rights));
  return file;
};
const filters = {
  server: await fileOf('server'),
  resolver: await fileOf('resolver', { startsProcesses: false, opensSockets: true }),
  unpacker: await fileOf('unpacker', { startsProcesses: true, opensSockets: false }),
  scan: await fileOf('scan', { startsProcesses: false, opensSockets: false }),
};
type Filter = keyof typeof filters;

/** Runs with or without a filter, with all rights in its own user namespace. */
async function run(argv: readonly string[], filter?: Filter): Promise<string> {
  const { code, stderr } = await runCommand([
    ...['unshare', '--user', '--map-root-user', '--mount', '--'],
    ...(filter ? ['setpriv', '--no-new-privs', '--seccomp-filter', filters[filter], '--'] : []),
    ...argv,
  ]);
  return code === 0 ? 'done' : stderr;
}

/** Calls it with zeros: without a filter, that gives another error than EPERM, or is harmless. */
const call = (number: number, ...words: readonly number[]) => {
  const five = [...words, 0, 0, 0, 0, 0].slice(0, 5).join(', ');
  // If the call made a process, there are two, and both end.
  return ['perl', '-e', `my $r = syscall(${number}, ${five}); die "$!\\n" if $r < 0`];
};

describe.each(['server', 'resolver', 'unpacker', 'scan'] as const)(
  'a process with the filter of the %s',
  (filter) => {
    test.each([
      ['unshare', ['unshare', '--uts', 'true']],
      ['mount', ['mount', '-t', 'tmpfs', 'none', '/mnt']],
    ])('%s works without the filter, and is refused with it', async (_call, argv) => {
      expect(await run(argv)).toBe('done');
      expect(await run(argv, filter)).toMatch(/not permitted|denied/);
    });

    // Numbers of x86-64.
    test.skipIf(arch() !== 'x64').each([
      ['ptrace', [101]],
      ['process_vm_readv', [310]],
      ['pidfd_getfd', [438]],
      ['bpf', [321]],
      ['keyctl', [250]],
      ['io_uring_setup', [425]],
      ['userfaultfd', [323]],
      ['init_module', [175]],
      ['setns', [308]],
      ['a new user namespace by clone', [56, 0x10000011]],
      ['a new network namespace by clone', [56, 0x40000011]],
      ['a call of the x32 ABI', [0x40000000 + 39]],
      ['typing into a terminal', [16, 0, 0x5412]],
      ['typing into a console', [16, 0, 0x541c]],
      ['another reader of a terminal', [16, 0, 0x5423]],
    ])('%s is refused', async (_call, [number = 0, ...words]) => {
      expect(await run(call(number, ...words), filter)).toContain('Operation not permitted');
    });

    test.skipIf(arch() !== 'x64')('can make other requests to a terminal', async () => {
      expect(await run(call(16, 0, 0x5413), filter)).toContain('Inappropriate ioctl');
    });

    test.skipIf(arch() !== 'x64')('gets ENOSYS for clone3, so that it uses clone', async () => {
      expect(await run(call(435), filter)).toContain('not implemented');
    });

    test('starts threads', async () => {
      const program = 'new (require("node:worker_threads").Worker)("1", { eval: true });';
      expect(await run([process.execPath, '-e', program], filter)).toBe('done');
    });
  },
);

describe.skipIf(arch() !== 'x64')('calls that a process does not need', () => {
  const processes: Case[] = [
    ['fork', [57]],
    ['clone without a thread', [56, 0x11]],
  ];
  const sockets: Case[] = [
    ['socket', [41, 1, 1]],
    ['bind', [49]],
    ['connect', [42]],
    ['listen', [50]],
    ['accept', [43]],
    ['accept4', [288]],
    ['a socket pair of a network family', [53, 2, 1]],
  ];
  const rest: Case[] = [
    ['shmget', [29]],
    ['semget', [64]],
    ['msgget', [68]],
    ['mq_open', [240]],
    ['memfd_create', [319]],
    ['execveat', [322]],
    ['pidfd_open', [434]],
    ['pidfd_send_signal', [424]],
    ['splice', [275]],
    ['vmsplice', [278]],
    ['io_setup', [206]],
  ];
  type Case = [what: string, call: readonly [number: number, ...words: number[]]];

  test.each([...processes, ...rest])(
    '%s is refused to a process that starts no processes',
    async (_, words) => {
      expect(await run(call(...words))).not.toContain('not permitted');
      for (const filter of ['resolver', 'scan'] as const)
        expect(await run(call(...words), filter)).toContain('Operation not permitted');
    },
  );

  test.each([...sockets, ...rest])('%s is refused to a process without a network', async (_, words) => {
    expect(await run(call(...words))).not.toContain('not permitted');
    for (const filter of ['unpacker', 'scan'] as const)
      expect(await run(call(...words), filter)).toContain('Operation not permitted');
  });

  test('a local socket pair is refused to a process without children', async () => {
    const pair = ['perl', '-e', 'socketpair(my $one, my $two, 1, 1, 0) or die "$!\\n"'];
    expect(await run(pair, 'scan')).toContain('Operation not permitted');
    expect(await run(pair, 'unpacker')).toBe('done');
  });
});

test('a process can do its work under its filter', async () => {
  const listens = 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => s.close());';
  const starts = 'if (require("node:child_process").spawnSync("true").status !== 0) process.exit(1);';
  const node = (text: string, filter: Filter) => run([process.execPath, '-e', text], filter);
  expect(await node(listens + starts, 'server')).toBe('done');
  expect(await node(listens, 'resolver')).toBe('done');
  expect(await node(starts, 'unpacker')).toBe('done');
  expect(await node(starts, 'scan')).not.toBe('done');
});

test('the filter file of this process has no name, and its child can open it', async () => {
  const path = systemCallFilterPath({ startsProcesses: false, opensSockets: false });
  const words = ['setpriv', '--no-new-privs', '--seccomp-filter', path, '--'];
  const { stdout } = await runCommand([...words, 'perl', '-e', 'print fork // $!']);
  expect(stdout).toBe('Operation not permitted');
  expect(await readlink(path)).toMatch(/ \(deleted\)$/);
});
