/** Settings of one's own process by which the kernel would loosen what it holds it to, or cost others more. */
import { isSince } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;
const own = 'it is a setting of its kernel';

function setting(
  name: string,
  title: string,
  reference: string,
  attempts: readonly (readonly [told: string, args: string])[],
): Technique {
  const list = attempts.map(([told, args]) => `("${told}", lambda: syscall("prctl", ${args}))`).join(', ');
  return {
    ...{ ...head, name, title, reference, harmlessInGvisor: own },
    expects: ['EPERM', 'EINVAL'],
    program: `
first_refusal([${list}])
`,
  };
}

export const settingTechniques: readonly Technique[] = [
  setting(
    'speculation-ask',
    'ask how far the processor may speculate for one',
    'prctl(2), PR_GET_SPECULATION_CTRL; CVE-2018-3639',
    [
      ['stores may be bypassed, or not: it is told', '52, 0, 0, 0, 0'],
      ['branches may be speculated on, or not: it is told', '52, 1, 0, 0, 0'],
    ],
  ),
  setting(
    'syscall-dispatch',
    'have system calls sent to a handler of one’s own',
    'Documentation/admin-guide/syscall-user-dispatch.rst',
    [['dispatch may be switched', '59, 0, 0, 0, 0']],
  ),
  setting('time-stamp-counter', 'decide whether the time stamp counter may be read', 'prctl(2), PR_SET_TSC', [
    ['the counter may be switched', '26, 1, 0, 0, 0'],
  ]),
  setting('machine-checks', 'decide how one dies of broken memory', 'prctl(2), PR_MCE_KILL; CVE-2015-8839', [
    ['the policy of machine checks may be set', '33, 0, 0, 0, 0'],
  ]),
  setting(
    'timer-slack',
    'have timers served more precisely than those of others',
    'prctl(2), PR_SET_TIMERSLACK',
    [['the slack may be set', '29, 50000, 0, 0, 0']],
  ),
  setting('reaper-become', 'take over processes that others have left', 'prctl(2), PR_SET_CHILD_SUBREAPER', [
    ['it adopts processes', '36, 0, 0, 0, 0'],
  ]),
  {
    ...head,
    name: 'core-cookie',
    title: 'leave the group of those that may share a processor core',
    reference: 'Documentation/admin-guide/hw-vuln/core-scheduling.rst',
    expects: ['EPERM'],
    harmlessInGvisor: own,
    program: `
# PR_SCHED_CORE with a command that does not exist: the answer tells whether it was let through.
let_through(lambda: syscall("prctl", 62, 99, 0, 0, 0), ["EINVAL", "ENODEV"], "the kernel was asked for another group")
`,
  },
  ...[
    ['stdin', '0'],
    ['image', 'os.open(os.__file__, os.O_RDONLY)'],
  ].map(
    ([what, file]): Technique => ({
      ...head,
      name: `file-flags-${what}`,
      title: `have file flags of ${what === 'stdin' ? 'a stream of Ward’s' : 'the image'} told or set by the file system`,
      reference: 'FS_IOC_GETFLAGS(2const), FS_IOC_FIEMAP',
      expects: ['EPERM', 'ENOTTY'],
      harmlessInGvisor: own,
      program: `
FS_IOC_GETFLAGS = 0x80086601
let_through(lambda: syscall("ioctl", ${file}, FS_IOC_GETFLAGS, buffer(8)), ["EINVAL", "EOPNOTSUPP", "ENOTTY"], "the file system was asked")
`,
    }),
  ),
  ...(
    [
      ['map', 'map memory to be written and run', 'mmap.mmap(-1, 4096, prot=7)'],
      ['protect', 'make memory run that was written', 'protect(mmap.mmap(-1, 4096))'],
      ['file', 'run a file of one’s own, mapped to be written', 'protect(mapped("/tmp/code"))'],
    ] as const
  ).map(
    ([name, title, attempted]): Technique => ({
      ...{ ...head, control: 'no-write-execute', name: `write-execute-${name}`, title },
      reference: 'prctl(2), PR_SET_MDWE',
      expects: ['EACCES', 'EPERM'],
      harmlessInGvisor: 'what runs is still below its kernel',
      cannotFail: ({ kernel }) => (isSince(kernel, '6.3') ? undefined : 'the kernel has no PR_SET_MDWE'),
      program: `
import mmap
def protect(memory):
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if libc.mprotect(ctypes.c_void_p(start), 4096, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")
def mapped(path):
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o700)
    os.ftruncate(file, 4096)
    return mmap.mmap(file, 4096, mmap.MAP_PRIVATE)
refused(lambda: ${attempted}, "memory that was written may be run")
`,
    }),
  ),
];
