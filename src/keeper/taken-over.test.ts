/**
 * Attacks the server's walls from inside: real refusals of this host's kernel, compared with a control without walls.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { startCommand, systemCallFilterHere } from '../lib/index.ts';
import { findWalls, type ServerWalls, serverArgv } from './server-process.ts';
import { type Answers, isRefused, makeTargets, tryAsRoot, tryAsTakenOver, wasHeld } from './taken-over.ts';

const server = 4_200_001;
/** Attempts that need no rights, and the wall that stops each. */
const needsWall = new Map<string, (walls: ServerWalls) => boolean>([
  ['namespace-user', ({ seccomp }) => seccomp],
  ['terminal', ({ seccomp }) => seccomp],
  ['shared-folder', ({ landlock }) => landlock],
]);
const isRoot = process.geteuid?.() === 0;
/** If the kernel lacks these calls, or hides them from everyone, a refusal proves nothing. */
const mayProveNothing = new Set(['module', 'kexec', 'perf', 'bpf', 'kernel-setting']);

describe.skipIf(!isRoot)('a server that was taken over', () => {
  let walls: ServerWalls;
  const answers = new Map<'control' | 'plain' | 'whole', Answers>();

  beforeAll(async () => {
    await using stack = new AsyncDisposableStack();
    const child = startCommand(['/bin/sh', '-c', 'echo; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
    stack.defer(() => void child.kill('SIGKILL'));
    if (child.stdout) await once(child.stdout, 'data');
    const targets = stack.use(await makeTargets(server, child.pid));
    const filterFile = join(targets.kept, 'filter');
    await writeFile(filterFile, systemCallFilterHere());
    walls = await findWalls(filterFile);
    const plan = {
      ...{ uid: server, gid: server, hasLowPort: false, filterFile },
      readable: ['/usr', '/lib', '/lib64', '/bin', '/etc', '/proc', '/dev/null', dirname(targets.file)],
      writable: [targets.folder],
      adjustable: [],
    };
    answers.set('control', await tryAsRoot(targets));
    const plain = { landlock: false, seccomp: false };
    answers.set('plain', await tryAsTakenOver(targets, (argv) => serverArgv({ ...plan, argv }, plain)));
    answers.set('whole', await tryAsTakenOver(targets, (argv) => serverArgv({ ...plan, argv }, walls)));
  });

  const names = [
    ...['keeper-memory', 'keeper-environment', 'keeper-root', 'keeper-vm-read', 'keeper-trace'],
    ...['keeper-descriptor', 'keeper-signal', 'stranger-signal', 'stranger-file', 'shadow', 'kept-folder'],
    'shared-folder',
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
      'terminal',
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
    if (needsWall.get(name)?.(walls) === false) return;
    expect([name, whole]).toEqual([name, expect.stringMatching(/^E(PERM|ACCES|NOSYS)$/)]);
  });

  test('needs the filter for two attempts and Landlock for one: all others are refused for lack of rights', () => {
    const without = [...(answers.get('plain') ?? [])]
      .filter(([, said]) => said === 'done')
      .map(([name]) => name);
    expect(without.filter((name) => !needsWall.has(name))).toEqual([]);
  });

  test('the program tries what this table has, and no more', () => {
    const tried = [...(answers.get('whole')?.keys() ?? [])].filter((name) => !name.startsWith('own-'));
    expect(tried.sort()).toEqual(names.toSorted());
  });

  test('has its own user, no group, no capability and no way to gain one', () => {
    const own = [...(answers.get('whole') ?? [])].filter(([name]) => name.startsWith('own-'));
    expect(Object.fromEntries(own)).toEqual({
      'own-ids': String(server),
      'own-groups': '0',
      'own-capabilities': '0',
      'own-no-new-privileges': '1',
    });
    expect(answers.get('control')?.get('own-ids')).toBe('0');
    expect(answers.get('control')?.get('own-capabilities')).not.toBe('0');
  });
});

test.each([
  ['done', 'EPERM', true],
  ['done', 'ESRCH', true],
  ['EINVAL', 'EACCES', true],
  ['done', 'done', false],
  ['done', undefined, false],
  ['done', 'killed', false],
  ['ENOSYS', 'ENOSYS', undefined],
  ['EPERM', 'EPERM', undefined],
  [undefined, 'EPERM', undefined],
])('root gets %s and the process %s: held %s', (free, said, held) => {
  const map = (value: string | undefined) => new Map(value === undefined ? [] : [['mount', value]]);
  expect(wasHeld('mount', map(said), map(free))).toBe(held);
});
