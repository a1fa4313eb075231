/** What a process can do to itself through /proc, and what /proc shows of other processes. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

export const selfTechniques: readonly Technique[] = [
  {
    ...head,
    control: 'read-only-root',
    name: 'self-exe-overwrite',
    title: 'overwrite its own program, which was the runtime before',
    reference: 'CVE-2019-5736, proc_pid_exe(5)',
    expects: ['EROFS', 'EACCES', 'EPERM'],
  },
  {
    ...head,
    control: 'pid-namespace',
    name: 'runtime-exe',
    title: 'find the runtime’s program among the processes',
    reference: 'CVE-2019-5736',
    expects: ['absent'],
  },
  {
    ...head,
    control: 'landlock',
    name: 'self-mem-write',
    title: 'patch its own running code',
    reference: 'proc_pid_mem(5)',
    expects: ['EACCES', 'EPERM', 'EROFS'],
    harmlessInGvisor: 'it is this process’s own memory',
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'self-setgroups',
    title: 'allow the user namespace to leave groups',
    reference: 'user_namespaces(7), CVE-2014-8989',
    expects: ['EACCES', 'EPERM', 'EROFS', 'absent'],
  },
  {
    ...head,
    control: 'landlock',
    name: 'self-login-uid',
    title: 'forge the user that the audit log names',
    reference: 'proc_pid_loginuid(5)',
    expects: ['absent', 'EACCES', 'EPERM', 'EROFS'],
  },
  {
    ...head,
    control: 'user-namespace',
    name: 'page-frames',
    title: 'learn where its pages are in memory, to hammer their neighbours',
    reference: 'Documentation/admin-guide/mm/pagemap.rst, CVE-2015-0565',
    expects: ['absent', 'EACCES', 'EPERM'],
  },
  {
    ...head,
    control: 'user-namespace',
    name: 'kernel-stack',
    title: 'read the kernel stack of its own process',
    reference: 'proc_pid_stack(5)',
    expects: ['absent', 'EACCES', 'EPERM'],
  },
  {
    ...head,
    control: 'pid-namespace',
    name: 'other-environments',
    title: 'read the environment of other processes',
    reference: 'proc_pid_environ(5)',
    expects: ['absent', 'EACCES', 'EPERM'],
  },
  {
    ...head,
    control: 'pid-namespace',
    name: 'other-roots',
    title: 'look into the root, working folder and files of other processes',
    reference: 'proc_pid_root(5), proc_pid_cwd(5), proc_pid_fd(5)',
    expects: ['absent', 'ENOENT', 'EACCES', 'EPERM'],
  },
];
