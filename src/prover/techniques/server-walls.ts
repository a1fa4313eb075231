/**
 * A server that was taken over: a program with the server's confinement, started as the keeper starts it, tries what it
 * must not be able to do. Root tries the same: an attempt that root is refused as well proves nothing here.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  findWalls,
  makeTargets,
  serverArgv,
  type TakenOverAnswers,
  tryAsRoot,
  tryAsTakenOver,
  wasHeld,
} from '../../keeper/index.ts';
import { systemCallFilter, unownedId } from '../../lib/index.ts';
import { withoutOption } from '../cannot-fail.ts';
import type { AttackAnswer, HostContext, HostTechnique, Technique } from '../types.ts';

const head = { vector: 'escape', control: 'server-walls', expects: ['EPERM', 'EACCES'] } as const;

/** The attempt of `taken-over.pl`, its title, and a reference. */
const attempts: readonly (readonly [attempt: string, title: string, reference: string, option?: string])[] = [
  ['keeper-memory', 'read its keeper’s memory through a file', 'proc_pid_mem(5)'],
  ['keeper-environment', 'read its keeper’s environment', 'proc_pid_environ(5)'],
  ['keeper-root', 'read files through its keeper’s root', 'proc_pid_root(5)'],
  ['keeper-vm-read', 'read its keeper’s memory with a system call', 'process_vm_readv(2)'],
  ['keeper-trace', 'trace its keeper', 'ptrace(2), PTRACE_SEIZE'],
  ['keeper-descriptor', 'take a descriptor from its keeper', 'pidfd_getfd(2)'],
  ['keeper-signal', 'send a signal to its keeper', 'kill(2)'],
  ['namespace-of-keeper', 'enter its keeper’s mount namespace', 'setns(2)'],
  ['stranger-signal', 'send a signal to another user’s process', 'kill(2)'],
  ['stranger-file', 'read another user’s file', 'path_resolution(7)'],
  ['shadow', 'read /etc/shadow', 'shadow(5)'],
  ['kept-folder', 'write to a keeper folder below /run/ward', 'path_resolution(7)'],
  ['shared-folder', 'write to a folder that is writable for all users', 'landlock(7)'],
  ['kernel-setting', 'make the kernel start a program through core_pattern', 'core(5)'],
  ['mount', 'mount a file system', 'mount(2)'],
  ['namespace-user', 'create a user namespace to gain all capabilities in it', 'user_namespaces(7)'],
  ['namespace-mount', 'create a mount namespace', 'mount_namespaces(7)'],
  ['root-folder', 'change its root', 'chroot(2)'],
  ['module', 'load a module', 'init_module(2)', 'CONFIG_MODULES'],
  ['kexec', 'load another kernel', 'kexec_load(2)', 'CONFIG_KEXEC'],
  ['bpf', 'load a program into the kernel', 'bpf(2)', 'CONFIG_BPF_SYSCALL'],
  ['perf', 'measure the whole machine', 'perf_event_open(2)', 'CONFIG_PERF_EVENTS'],
  ['file-handle', 'open a file by its handle, bypassing all folders', 'open_by_handle_at(2), CVE-2014-3519'],
  ['become-root', 'become root', 'setuid(2)'],
  ['groups', 'join other groups', 'setgroups(2)'],
  ['device', 'create a device', 'mknod(2)'],
  ['raw-packets', 'receive all packets of the machine', 'packet(7)'],
  ['priority', 'raise its priority', 'setpriority(2)'],
];

export const serverWallTechniques: readonly Technique[] = attempts.map(
  ([attempt, title, reference, option]): HostTechnique => ({
    ...head,
    name: `server-${attempt}`,
    title: `in the server: ${title}`,
    reference,
    ...(option === undefined ? {} : { cannotFail: withoutOption(option) }),
    run: (context) => answerTo(context, attempt),
  }),
);

async function answerTo({ host }: HostContext, attempt: string): Promise<AttackAnswer> {
  const trial = trials.get(host) ?? tryAll(host.features.arch);
  trials.set(host, trial);
  return answerOf(await trial, attempt);
}

/** Pure. */
export function answerOf({ answers, asRoot }: Trial, attempt: string): AttackAnswer {
  const said = answers.get(attempt) ?? 'nothing';
  const isHeld = wasHeld(attempt, answers, asRoot);
  if (isHeld === undefined)
    return {
      outcome: 'NOTHING',
      detail: `root gets the same refusal here: ${asRoot.get(attempt) ?? 'nothing'}`,
    };
  return isHeld
    ? { outcome: 'BLOCKED', answer: said, detail: `root gets ${asRoot.get(attempt)}` }
    : { outcome: 'ESCAPED', detail: `the kernel said ${said}` };
}

export interface Trial {
  readonly answers: TakenOverAnswers;
  readonly asRoot: TakenOverAnswers;
}

/** One run of the program makes all attempts. */
const trials = new WeakMap<HostContext['host'], Promise<Trial>>();

async function tryAll(arch: HostContext['host']['features']['arch']): Promise<Trial> {
  const id = unownedId();
  await using targets = await makeTargets(id);
  const filterFile = join(targets.kept, 'server.bpf');
  await writeFile(filterFile, systemCallFilter(arch), { mode: 0o600 });
  const walls = await findWalls(filterFile);
  const plan = {
    ...{ uid: id, gid: id, hasLowPort: false, filterFile, adjustable: ['/dev/null'] },
    readable: ['/usr', '/lib', '/lib64', '/bin', '/etc', '/proc', '/sys', '/dev/null'],
    writable: [targets.folder],
  };
  return {
    asRoot: await tryAsRoot(targets),
    answers: await tryAsTakenOver(targets, (argv) => serverArgv({ ...plan, argv }, walls)),
  };
}
