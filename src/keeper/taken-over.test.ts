/** The walls around the server, from inside: real refusals of this host's kernel, held to a control without walls. */
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCommand } from '../lib/index.ts';
import { serverFilter } from './server-filter.ts';
import { findWalls, type ServerWalls, serverArgv } from './server-process.ts';
import { type Answers, isRefused, type Targets, takenOverProgram, tryAsTakenOver } from './taken-over.ts';

const [server, stranger] = [4_200_001, 4_200_002];
const isRoot = process.geteuid?.() === 0;
/** A kernel without these calls, or one that hides them from all, proves nothing by refusing them. */
const mayProveNothing = new Set(['module', 'kexec', 'perf', 'bpf', 'kernel-setting']);

describe.skipIf(!isRoot)('a server that was taken over', () => {
  let place: string;
  let walls: ServerWalls;
  const answers = new Map<'control' | 'plain' | 'whole', Answers>();

  beforeAll(async () => {
    await using stack = new AsyncDisposableStack();
    place = await mkdtemp(join(tmpdir(), 'ward-taken-over-'));
    await chmod(place, 0o711);
    const [folder, kept, file] = [join(place, 'folder'), join(place, 'kept'), join(place, 'file')];
    for (const path of [folder, kept]) await mkdir(path);
    await chown(folder, server, server);
    await writeFile(file, 'a stranger’s', { mode: 0o600 });
    await chown(file, stranger, stranger);
    const filterFile = join(place, 'filter');
    await writeFile(filterFile, serverFilter(arch() === 'arm64' ? 'arm64' : 'x64'));
    walls = await findWalls(filterFile);
    const waiting = async (...words: readonly string[]) => {
      const child = startCommand([...words, '/bin/sh', '-c', 'echo; read line'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      stack.defer(() => void child.kill('SIGKILL'));
      if (child.stdout) await once(child.stdout, 'data');
      return child.pid ?? 0;
    };
    const as = ['setpriv', `--reuid=${stranger}`, `--regid=${stranger}`, '--clear-groups', '--'];
    const targets: Targets = { keeper: await waiting(), stranger: await waiting(...as), file, folder, kept };
    const plan = {
      ...{ uid: server, gid: server, hasLowPort: false, filterFile },
      readable: [
        '/usr',
        '/lib',
        '/lib64',
        '/bin',
        '/etc',
        '/proc',
        '/dev/null',
        dirname(takenOverProgram),
        place,
      ],
      writable: [folder],
      adjustable: [],
    };
    const unshared = ['unshare', '--mount', '--uts', '--propagation', 'private', '--'];
    answers.set('control', await tryAsTakenOver(targets, (argv) => [...unshared, ...argv]));
    const plain = { landlock: false, seccomp: false };
    answers.set('plain', await tryAsTakenOver(targets, (argv) => serverArgv({ ...plan, argv }, plain)));
    answers.set('whole', await tryAsTakenOver(targets, (argv) => serverArgv({ ...plan, argv }, walls)));
  });
  afterAll(async () => {
    if (place !== undefined) await rm(place, { recursive: true });
  });

  const names = [
    ...['keeper-memory', 'keeper-environment', 'keeper-root', 'keeper-vm-read', 'keeper-trace'],
    ...['keeper-descriptor', 'keeper-signal', 'stranger-signal', 'stranger-file', 'shadow', 'kept-folder'],
    ...['kernel-setting', 'mount', 'namespace-user', 'namespace-mount', 'namespace-of-keeper', 'root-folder'],
    ...[
      'module',
      'kexec',
      'bpf',
      'perf',
      'file-handle',
      'become-root',
      'groups',
      'device',
      'raw-packets',
      'priority',
    ],
  ];

  test.each(names)('is refused %s, which root is not', (name) => {
    const control = answers.get('control')?.get(name);
    const whole = answers.get('whole')?.get(name);
    if (control === 'ENOSYS' || (isRefused(control) && mayProveNothing.has(name))) {
      expect([name, whole === 'done']).toEqual([name, false]);
      return;
    }
    expect([name, isRefused(control)]).toEqual([name, false]);
    if (name === 'namespace-user' && !walls.seccomp) return;
    expect([name, whole]).toEqual([name, expect.stringMatching(/^E(PERM|ACCES|NOSYS)$/)]);
  });

  test('needs the filter for one of them only: all others are refused for want of rights', () => {
    const without = [...(answers.get('plain') ?? [])]
      .filter(([, said]) => said === 'done')
      .map(([name]) => name);
    expect(without.filter((name) => name !== 'namespace-user')).toEqual([]);
  });

  test('the program tries what this table has, and no more', () => {
    expect([...(answers.get('whole')?.keys() ?? [])].sort()).toEqual(names.toSorted());
  });
});
