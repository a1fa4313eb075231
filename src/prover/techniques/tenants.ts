/** Attacks on another tenant's sandbox, which runs at the same time from the same image. */

import type { Sandbox } from '../../sandbox/index.ts';
import { answerOf, firstLine } from '../program.ts';
import { programResultOf } from '../program-result.ts';
import { programFileOf, programText } from '../programs.ts';
import type { AttackAnswer, HostContext, HostTechnique, ProgramTechnique, Technique } from '../types.ts';

/** Two programs, `NAME-holder.py` and `NAME-seeker.py`. */
type Attack = Omit<HostTechnique, 'vector' | 'run'> & Pick<ProgramTechnique, 'program' | 'parameters'>;

const attacks: readonly Attack[] = [
  {
    name: 'tenant-user',
    title: 'be the same user on the host as another tenant',
    reference: 'user_namespaces(7)',
    control: 'user-namespace',
    expects: ['absent'],
    harmlessInGvisor:
      'the map belongs to gVisor’s kernel; on the host each sandbox has its own ids, as under any runtime',
  },
  {
    name: 'tenant-processes',
    title: 'see another tenant’s processes',
    reference: 'pid_namespaces(7)',
    control: 'pid-namespace',
    expects: ['absent'],
  },
  {
    name: 'tenant-signals',
    title: 'end another tenant’s processes',
    reference: 'kill(2)',
    control: 'pid-namespace',
    expects: ['ESRCH', 'EPERM'],
  },
  ...['/tmp', '/dev/shm'].map(
    (folder): Attack => ({
      name: `tenant-files-${folder.split('/').at(-1)}`,
      title: `read another tenant’s files in ${folder}`,
      reference: 'tmpfs(5), mount_namespaces(7)',
      control: 'mount-namespace',
      expects: ['ENOENT'],
      program: 'tenant-files',
      parameters: { folder },
    }),
  ),
  {
    name: 'tenant-abstract-socket',
    title: 'connect to another tenant’s server through an abstract socket name',
    reference: 'unix(7), CVE-2020-15257',
    control: 'network-namespace',
    expects: ['ECONNREFUSED', 'EPERM'],
  },
  {
    name: 'tenant-loopback',
    title: 'connect to another tenant’s server on 127.0.0.1',
    reference: 'network_namespaces(7)',
    control: 'network-namespace',
    expects: ['ECONNREFUSED', 'EACCES', 'EPERM'],
  },
  {
    name: 'tenant-shared-memory',
    title: 'share memory with another tenant through a key',
    reference: 'shmget(2), ipc_namespaces(7)',
    control: 'ipc-namespace',
    expects: ['EPERM', 'ENOSYS', 'ENOENT'],
  },
  {
    name: 'tenant-device-locks',
    title: 'signal another tenant with locks on device files, or keep it waiting',
    reference: 'flock(2), fcntl(2) F_SETLK',
    control: 'minimal-dev',
    expects: ['absent', 'ENOLCK'],
  },
  {
    name: 'tenant-keyrings',
    title: 'read another tenant’s key in the user keyring',
    reference: 'keyrings(7), user-keyring(7)',
    control: 'seccomp',
    expects: ['killed', 'EPERM', 'ENOSYS', 'ENOKEY'],
  },
  {
    name: 'tenant-memory',
    title: 'read another tenant’s memory through /proc',
    reference: 'proc_pid_mem(5), process_vm_readv(2)',
    control: 'pid-namespace',
    expects: ['absent', 'EACCES', 'EPERM', 'ENOENT', 'EIO'],
  },
  {
    name: 'tenant-watch',
    title: 'watch which files of the image another tenant opens',
    reference: 'inotify(7)',
    control: 'seccomp',
    expects: ['absent', 'EPERM', 'ENOSYS'],
  },
  {
    name: 'tenant-watch-folder',
    title: 'the same, through signals from a folder',
    reference: 'fcntl(2), F_NOTIFY',
    control: 'seccomp',
    expects: ['EPERM', 'EINVAL', 'absent'],
  },
  {
    name: 'tenant-watches-quota',
    title: 'use up the file watches, which also count against the host’s root',
    reference: 'inotify(7), max_user_instances; user_namespaces(7)',
    control: 'seccomp',
    expects: ['ENOSYS', 'EPERM', 'absent'],
  },
  {
    name: 'tenant-pipes-quota',
    title: 'use up a user’s memory for pipes',
    reference: 'pipe(7), pipe-user-pages-soft; user_namespaces(7)',
    control: 'user-namespace',
    expects: ['absent'],
    harmlessInGvisor: 'its kernel gives every pipe the same size',
  },
  {
    name: 'tenant-cpu',
    title: 'take another tenant’s share of the processors with a higher weight',
    reference: 'proc_pid_autogroup(5), setpriority(2)',
    control: 'landlock',
    expects: ['EACCES', 'EPERM', 'EROFS', 'absent'],
    harmlessInGvisor: 'its kernel stores the value but does not schedule by it',
  },
];

export const tenantTechniques: readonly Technique[] = attacks.map(({ program, parameters = {}, ...rest }) => {
  const head = { ...rest, vector: 'neighbours' } as const;
  const file = programFileOf({ ...head, ...(program === undefined ? {} : { program }) });
  return { ...head, run: (context) => seekBeside(context, file, parameters) };
});

/**
 * Runs `FILE-holder`, a program that ends by `holds(…)`, and beside it `FILE-seeker`, whose `facts["neighbour"]`
 * describes what is held. If the holder itself is blocked, that is the answer: there is nothing to seek.
 */
async function seekBeside(
  context: HostContext,
  file: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<AttackAnswer> {
  const { start, run, signal } = context;
  await using sandbox = await start(programText(`${file}-holder`), { more: parameters });
  const line = await firstLine(sandbox, signal);
  const held = /^HOLDS (.*)$/.exec(line)?.[1];
  if (held === undefined) return await refusalOf(sandbox, line);
  const answer = await run(programText(`${file}-seeker`), { more: { neighbour: JSON.parse(held) } });
  const left = await sandbox.usage();
  if (answer.outcome === 'BLOCKED' && left.pids === 0) {
    return { outcome: 'ESCAPED', detail: 'the neighbour has ended' };
  }
  return answer;
}

/** @throws Fault PROGRAM_SILENT when the program was not refused anything. */
async function refusalOf(sandbox: Sandbox, line: string): Promise<AttackAnswer> {
  const exit = await sandbox.exited;
  return answerOf(programResultOf({ exit, stdout: line, stderr: '', isOverdue: false }));
}
