import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../lib/index.ts';
import { serverFilter } from './server-filter.ts';
import { findWalls } from './server-process.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-filter-'));
  file = join(folder, 'server.bpf');
  await writeFile(file, serverFilter(arch() === 'arm64' ? 'arm64' : 'x64'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Under the filter, and in a user namespace of its own where every right is its own; or without the filter. */
async function run(argv: readonly string[], isFiltered = true): Promise<string> {
  const filter = ['setpriv', '--no-new-privs', '--seccomp-filter', file, '--'];
  const { code, stderr } = await runCommand([
    ...['unshare', '--user', '--map-root-user', '--mount', '--'],
    ...(isFiltered ? filter : []),
    ...argv,
  ]);
  return code === 0 ? 'done' : stderr;
}

/** Calls it with zeros: where there is no filter, that is some other error than EPERM, or harmless. */
const call = (number: number, first = 0) => [
  ...['perl', '-e'],
  `my $r = syscall(${number}, ${first}, 0, 0, 0, 0); exit 0 if $r == 0 && ${number} == 56; die "$!\\n" if $r < 0`,
];

test('this host’s setpriv can load it', async () => {
  expect((await findWalls(file)).seccomp).toBe(true);
});

test.each([
  ['unshare', ['unshare', '--uts', 'true']],
  ['mount', ['mount', '-t', 'tmpfs', 'none', '/mnt']],
])('%s works without it, and is refused with it', async (_, argv) => {
  expect(await run(argv, false)).toBe('done');
  expect(await run(argv)).toMatch(/not permitted|denied/);
});

// Numbers of x86-64.
test.skipIf(arch() !== 'x64').each([
  ['ptrace', 101, 0],
  ['process_vm_readv', 310, 0],
  ['bpf', 321, 0],
  ['keyctl', 250, 0],
  ['io_uring_setup', 425, 0],
  ['init_module', 175, 0],
  ['setns', 308, 0],
  ['a new user namespace by clone', 56, 0x10000011],
  ['a new network namespace by clone', 56, 0x40000011],
  ['a call of the x32 ABI', 0x40000000 + 39, 0],
])('%s is refused', async (_, number, first) => {
  expect(await run(call(number, first))).toContain('Operation not permitted');
});

test.skipIf(arch() !== 'x64')(
  'clone3 is answered as where there is none, so that clone is used',
  async () => {
    expect(await run(call(435))).toContain('not implemented');
  },
);

test('programs and threads start, files are written, sockets listen', async () => {
  const program =
    'const { Worker } = require("node:worker_threads");' +
    'require("node:fs").writeFileSync(process.argv[1], "x");' +
    'require("node:child_process").execFileSync("true");' +
    'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => s.close());' +
    'new Worker("1", { eval: true });';
  expect(await run([process.execPath, '-e', program, join(folder, 'written')])).toBe('done');
});
