/** Other entrances to the same kernel: older call conventions, segments, and machine code that uses them. */
import { withoutOption } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

export const abiTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'abi-int80',
    title: 'make a 32-bit call, whose numbers mean something else',
    reference: 'seccomp(2), CVE-2009-0834',
    expects: ['killed', 'signal', 'absent', 'ENOSYS', 'EPERM'],
    makesCode: true,
  },
  {
    ...head,
    name: 'abi-socketcall',
    title: 'open a socket with the call whose arguments no filter can see',
    reference: 'socketcall(2), CVE-2026-31431',
    expects: ['killed', 'signal', 'absent', 'ENOSYS', 'EPERM'],
    makesCode: true,
  },
  {
    ...head,
    name: 'abi-far-jump',
    title: 'switch to 32-bit mode and make calls there',
    reference: 'seccomp(2), Intel SDM volume 2, JMP',
    expects: ['killed', 'signal', 'absent'],
    makesCode: true,
  },
  {
    ...head,
    name: 'abi-x32',
    cannotFail: withoutOption('CONFIG_X86_X32_ABI'),
    title: 'make calls of the x32 ABI',
    reference: 'syscall(2), __X32_SYSCALL_BIT',
    expects: ['killed', 'ENOSYS', 'EPERM', 'absent'],
  },
  {
    ...head,
    name: 'abi-x32-mount',
    cannotFail: withoutOption('CONFIG_X86_X32_ABI'),
    title: 'make a refused call with its x32 number',
    reference: 'seccomp(2), Caveats',
    expects: ['killed', 'ENOSYS', 'EPERM', 'absent'],
  },
  {
    ...head,
    name: 'abi-negative-number',
    title: 'make calls with numbers that wrap around',
    reference: 'seccomp(2)',
    expects: ['EPERM', 'ENOSYS', 'killed'],
  },
  {
    ...head,
    name: 'segment-descriptors',
    title: 'create its own memory segments',
    reference: 'modify_ldt(2), CVE-2017-17053',
    expects: ['EPERM', 'ENOSYS', 'absent'],
  },
  {
    ...head,
    name: 'map-page-zero',
    control: 'no-capabilities',
    title: 'map memory at address 0, where a null pointer in the kernel would lead',
    reference: 'proc_sys_vm(5), mmap_min_addr; CVE-2009-2692',
    expects: ['EPERM', 'EACCES', 'EINVAL', 'ENOMEM'],
    harmlessInGvisor: 'it is an address in this process only',
  },
  {
    ...head,
    name: 'terminal-inject',
    title: 'type into a terminal that others read',
    reference: 'ioctl_tty(2), TIOCSTI; CVE-2016-2568, CVE-2023-28339',
    expects: ['EPERM', 'EIO', 'ENOTTY'],
    harmlessInGvisor: 'it reached only a terminal that its kernel emulates',
  },
  {
    ...head,
    name: 'terminal-paste',
    title: 'paste into a console',
    reference: 'ioctl_console(2), TIOCLINUX; CVE-2023-1523',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel has no console',
  },
];
