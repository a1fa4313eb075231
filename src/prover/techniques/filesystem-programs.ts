/** Programs that the sandbox wrote: running them, and running them with more rights. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

const below = 'the code still runs on its kernel';

export const programTechniques: readonly Technique[] = [
  ...['/tmp', '/dev/shm'].map(
    (folder): Technique => ({
      ...head,
      control: 'tmpfs-limit',
      name: `exec-${folder.split('/').at(-1)}`,
      title: `run a script written to ${folder}`,
      reference: 'execve(2), mount(2) MS_NOEXEC',
      expects: ['EACCES', 'EPERM'],
      harmlessInGvisor: below,
      program: 'exec-script',
      parameters: { folder },
    }),
  ),
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-binary',
    title: 'run a binary written to /tmp',
    reference: 'execve(2)',
    expects: ['EACCES', 'EPERM'],
    harmlessInGvisor: below,
  },
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-nameless',
    title: 'run a file that never had a name',
    reference: 'open(2) O_TMPFILE',
    expects: ['EACCES', 'EPERM', 'EOPNOTSUPP'],
    harmlessInGvisor: below,
  },
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-by-loader',
    title: 'make the dynamic loader run a file that must not run',
    reference: 'ld.so(8), mmap(2)',
    expects: ['EACCES', 'EPERM', 'refused', 'absent'],
    harmlessInGvisor: below,
  },
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-mapping',
    title: 'map a written file as code',
    reference: 'mmap(2), PROT_EXEC',
    expects: ['EPERM', 'EACCES'],
    harmlessInGvisor: below,
  },
  {
    ...head,
    control: 'no-new-privileges',
    name: 'setuid-files',
    title: 'use a set-uid program of the image',
    reference: 'execve(2), CVE-2021-4034, CVE-2021-3156',
    expects: ['absent', 'refused'],
  },
  {
    ...head,
    control: 'no-new-privileges',
    name: 'setuid-made',
    title: 'leave a set-uid program for another user to start',
    reference: 'chmod(2), mount(2) MS_NOSUID',
    expects: ['refused', 'EPERM'],
    harmlessInGvisor: 'the file is in its kernel’s memory, where no one else reads it',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'file-capability',
    title: 'give capabilities to a file',
    reference: 'capabilities(7), setxattr(2)',
    expects: ['EPERM'],
  },
  ...['trusted.overlay.opaque', 'security.ward', 'user.ward'].map(
    (attribute): Technique => ({
      ...head,
      control: 'seccomp',
      name: `attribute-${attribute.split('.')[0]}`,
      title: `set an extended attribute of the class ${attribute.split('.')[0]}`,
      reference: 'setxattr(2), CVE-2023-0386',
      expects: ['EPERM', 'EOPNOTSUPP'],
      harmlessInGvisor: 'the file is in its kernel’s memory, where no one else reads it',
      program: 'attribute',
      parameters: { attribute },
    }),
  ),
];
