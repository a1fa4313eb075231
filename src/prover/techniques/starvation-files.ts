/** Attacks on the machine's other users: files, descriptors and what the kernel keeps for them. */
import { once } from 'node:events';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'neighbours' } as const;

export const fileStarvation: readonly Technique[] = [
  ...['/tmp', '/dev/shm'].map(
    (folder): Technique => ({
      ...head,
      control: 'tmpfs-limit',
      name: `fill-${folder.split('/').at(-1)}`,
      title: `write to ${folder} until it is full`,
      reference: 'tmpfs(5), size',
      expects: ['ENOSPC', 'EDQUOT', 'absent'],
      reaches: 'tmpfs',
      program: 'fill',
      parameters: { folder },
    }),
  ),
  ...['/tmp', '/dev/shm'].map(
    (folder): Technique => ({
      ...head,
      control: 'tmpfs-limit',
      name: `inodes-${folder.split('/').at(-1)}`,
      title: `create empty files in ${folder} endlessly`,
      reference: 'tmpfs(5), nr_inodes',
      expects: ['ENOSPC', 'EDQUOT', 'absent'],
      harmlessInGvisor: 'the files are in its kernel’s memory, which is counted',
      reaches: 'tmpfs',
      program: 'fill-inodes',
      parameters: { folder },
    }),
  ),
  {
    ...head,
    control: 'resource-limits',
    name: 'file-size',
    title: 'create a file that is larger than its file system',
    reference: 'setrlimit(2), RLIMIT_FSIZE',
    expects: ['EFBIG', 'signal', 'ENOSPC', 'EINVAL'],
  },
  {
    ...head,
    control: 'memory-limit',
    name: 'dentry-flood',
    title: 'make the kernel remember names that don’t exist',
    reference: 'Documentation/admin-guide/cgroup-v1/memory.rst (kernel memory)',
    expects: ['limit'],
    harmlessInGvisor: 'its kernel remembers some of them in its own memory, which is counted',
    run: floodDentries,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'disk-flood',
    title: 'find a place on a host disk that it can fill',
    reference: 'proc_pid_mountinfo(5)',
    expects: ['absent'],
    harmlessInGvisor: 'the overlay is in the memory of gVisor’s kernel, which is counted',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'disk-flush',
    title: 'make the kernel write back what others wrote',
    reference: 'syncfs(2), sync(2)',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'its kernel does not ask the host, since nothing on a disk is writable',
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'descriptor-flood',
    title: 'open files until no more descriptors are available',
    reference: 'setrlimit(2), RLIMIT_NOFILE',
    expects: ['EMFILE'],
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'descriptors-in-flight',
    title: 'hide open files in messages that are never received',
    reference: 'unix(7), SCM_RIGHTS; CVE-2013-4312',
    expects: ['ETOOMANYREFS', 'EPERM', 'EMFILE'],
    harmlessInGvisor: 'the files are in its kernel, whose memory is counted',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'pipe-enlarge',
    title: 'create a pipe that holds much kernel memory',
    reference: 'fcntl(2), F_SETPIPE_SZ',
    harmlessInGvisor: 'it uses memory of gVisor’s kernel, which is counted',
    expects: ['EPERM', 'EBUSY', 'ENOMEM', 'EINVAL'],
  },
  {
    ...head,
    control: 'minimal-dev',
    name: 'terminal-flood',
    title: 'create pseudo-terminals, of which the machine has a limited number',
    reference: 'pts(4), kernel.pty.max',
    expects: ['absent', 'ENOENT', 'EACCES', 'EPERM'],
    harmlessInGvisor: 'the terminals are in its kernel',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'message-queues',
    title: 'keep messages in kernel queues',
    reference: 'mq_open(3), RLIMIT_MSGQUEUE',
    expects: ['EPERM', 'ENOSYS', 'EMFILE'],
  },
  ...(
    [
      ['shared-memory', 'a segment of shared memory', 'shmget(2)'],
      ['semaphores', 'semaphores', 'semget(2)'],
      ['messages', 'a message queue', 'msgget(2)'],
    ] as const
  ).map(
    ([name, what, reference]): Technique => ({
      ...head,
      control: 'seccomp',
      name: `sysv-${name}`,
      title: `make the kernel keep ${what} after its process ends`,
      reference: `${reference}, sysvipc(7)`,
      expects: ['EPERM', 'ENOSYS'],
    }),
  ),
  {
    ...head,
    control: 'seccomp',
    name: 'keyring-flood',
    title: 'fill the kernel’s keyrings',
    reference: 'keyrings(7), kernel.keys.maxkeys',
    expects: ['killed', 'EPERM', 'ENOSYS', 'EDQUOT'],
  },
];

const unknownNames = 10_000;

/** The kernel keeps dentries until it needs the memory; the test is which group it charges for them. */
async function floodDentries({ start }: HostContext): Promise<AttackAnswer> {
  await using sandbox = await start(programText('neighbours/dentry-flood'), {
    more: { unknownNames },
  });
  await once(sandbox.stdout, 'data');
  const before = (await sandbox.usage()).memoryBytes;
  sandbox.stdin.write('.');
  await once(sandbox.stdout, 'data');
  const grown = (await sandbox.usage()).memoryBytes - before;
  // A dentry takes 192 bytes.
  const detail = `${unknownNames} names took ${Math.round(grown / 1024)} KiB of its own memory`;
  if (grown < unknownNames * 64) return { outcome: 'ESCAPED', detail };
  return { outcome: 'BLOCKED', answer: 'limit', detail };
}
