/** Settings of one's own process that loosen its restrictions or cost other processes more. */
import { isSince } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;
const own = 'it is a setting of its kernel';

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
    'ask how far the processor may speculate for one',
    'prctl(2), PR_GET_SPECULATION_CTRL; CVE-2018-3639',
    [
      ['stores may be bypassed, or not: it is told', 52, 0],
      ['branches may be speculated on, or not: it is told', 52, 1],
    ],
  ),
  setting(
    'syscall-dispatch',
    'have system calls sent to a handler of one’s own',
    'Documentation/admin-guide/syscall-user-dispatch.rst',
    [['dispatch may be switched', 59, 0]],
  ),
  setting('time-stamp-counter', 'decide whether the time stamp counter may be read', 'prctl(2), PR_SET_TSC', [
    ['the counter may be switched', 26, 1],
  ]),
  setting('machine-checks', 'decide how one dies of broken memory', 'prctl(2), PR_MCE_KILL; CVE-2015-8839', [
    ['the policy of machine checks may be set', 33, 0],
  ]),
  setting(
    'timer-slack',
    'have timers served more precisely than those of others',
    'prctl(2), PR_SET_TIMERSLACK',
    [['the slack may be set', 29, 50000]],
  ),
  setting('reaper-become', 'take over processes that others have left', 'prctl(2), PR_SET_CHILD_SUBREAPER', [
    ['it adopts processes', 36, 0],
  ]),
  {
    ...head,
    name: 'core-cookie',
    title: 'leave the group of those that may share a processor core',
    reference: 'Documentation/admin-guide/hw-vuln/core-scheduling.rst',
    expects: ['EPERM'],
    harmlessInGvisor: own,
  },
  ...['stdin', 'image'].map(
    (what): Technique => ({
      ...head,
      name: `file-flags-${what}`,
      title: `have file flags of ${what === 'stdin' ? 'a stream of Ward’s' : 'the image'} told or set by the file system`,
      reference: 'FS_IOC_GETFLAGS(2const), FS_IOC_FIEMAP',
      expects: ['EPERM', 'ENOTTY'],
      harmlessInGvisor: own,
    }),
  ),
  ...(
    [
      ['map', 'map memory to be written and run'],
      ['protect', 'make memory run that was written'],
      ['file', 'run a file of one’s own, mapped to be written'],
    ] as const
  ).map(
    ([name, title]): Technique => ({
      ...{ ...head, control: 'no-write-execute', name: `write-execute-${name}`, title },
      reference: 'prctl(2), PR_SET_MDWE',
      expects: ['EACCES', 'EPERM'],
      harmlessInGvisor: 'what runs is still below its kernel',
      cannotFail: ({ kernel }) => (isSince(kernel, '6.3') ? undefined : 'the kernel has no PR_SET_MDWE'),
    }),
  ),
];
