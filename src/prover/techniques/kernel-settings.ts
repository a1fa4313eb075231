/** Settings of its own process that loosen its restrictions or slow other processes down. */
import { isSince } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;
const own = 'it is a setting of gVisor’s kernel';

function setting(
  name: string,
  title: string,
  reference: string,
  attempts: readonly (readonly [told: string, option: number, value: number])[],
): Technique {
  return {
    ...{ ...head, name, title, reference, harmlessInGvisor: own },
    expects: ['EPERM', 'EINVAL'],
    program: 'process-setting',
    parameters: { attempts },
  };
}

export const settingTechniques: readonly Technique[] = [
  setting(
    'speculation-ask',
    'ask how far the processor may speculate for its process',
    'prctl(2), PR_GET_SPECULATION_CTRL; CVE-2018-3639',
    [
      ['the kernel says whether stores may be bypassed', 52, 0],
      ['the kernel says whether branches may be predicted', 52, 1],
    ],
  ),
  setting(
    'syscall-dispatch',
    'redirect system calls to its own handler',
    'Documentation/admin-guide/syscall-user-dispatch.rst',
    [['dispatch can be switched', 59, 0]],
  ),
  setting(
    'time-stamp-counter',
    'control whether processes may read the time stamp counter',
    'prctl(2), PR_SET_TSC',
    [['the counter can be switched', 26, 1]],
  ),
  setting(
    'machine-checks',
    'control how broken memory kills its process',
    'prctl(2), PR_MCE_KILL; CVE-2015-8839',
    [['the policy of machine checks can be set', 33, 0]],
  ),
  setting('timer-slack', 'make its timers more precise than those of others', 'prctl(2), PR_SET_TIMERSLACK', [
    ['the slack can be set', 29, 50000],
  ]),
  setting('reaper-become', 'adopt orphaned processes of others', 'prctl(2), PR_SET_CHILD_SUBREAPER', [
    ['it adopts processes', 36, 0],
  ]),
  {
    ...head,
    name: 'core-cookie',
    title: 'leave the group of processes that may share a processor core',
    reference: 'Documentation/admin-guide/hw-vuln/core-scheduling.rst',
    expects: ['EPERM'],
    harmlessInGvisor: own,
  },
  ...['stdin', 'image'].map(
    (what): Technique => ({
      ...head,
      name: `file-flags-${what}`,
      title: `make the file system report or set file flags of ${what === 'stdin' ? 'one of Ward’s streams' : 'the image'}`,
      reference: 'FS_IOC_GETFLAGS(2const), FS_IOC_FIEMAP',
      expects: ['EPERM', 'ENOTTY'],
      harmlessInGvisor: own,
    }),
  ),
  ...(
    [
      ['map', 'map memory as both writable and executable'],
      ['protect', 'make written memory executable'],
      ['file', 'run its own file that is mapped as writable'],
    ] as const
  ).map(
    ([name, title]): Technique => ({
      ...{ ...head, control: 'no-write-execute', name: `write-execute-${name}`, title },
      reference: 'prctl(2), PR_SET_MDWE',
      expects: ['EACCES', 'EPERM'],
      harmlessInGvisor: 'the code still runs on its kernel',
      cannotFail: ({ kernel }) => (isSince(kernel, '6.3') ? undefined : 'the kernel has no PR_SET_MDWE'),
    }),
  ),
];
