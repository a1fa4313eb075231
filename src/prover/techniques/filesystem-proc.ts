/** /proc: information on the whole machine, and files by which root controls it. */

import { absentOnHost } from '../cannot-fail.ts';
import { emulated, steering } from '../steering.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'hidden-proc' } as const;

export const procTechniques: readonly Technique[] = [
  steer(
    'core-pattern',
    ['/proc/sys/kernel/core_pattern'],
    'have a crash start a program as root',
    'core(5), CVE-2025-31133, CVE-2025-52881',
  ),
  steer(
    'sysrq',
    ['/proc/sysrq-trigger'],
    'restart the machine with the system request key',
    'Documentation/admin-guide/sysrq.rst',
  ),
  steer(
    'modprobe-path',
    ['/proc/sys/kernel/modprobe'],
    'set the program that loads modules',
    'proc_sys_kernel(5)',
  ),
  steer(
    'hotplug-path',
    ['/proc/sys/kernel/hotplug', '/proc/sys/kernel/poweroff_cmd'],
    'set a program that the kernel starts as root',
    'proc_sys_kernel(5)',
  ),
  steer(
    'binfmt-register',
    ['/proc/sys/fs/binfmt_misc/register', '/proc/sys/fs/binfmt_misc/status'],
    'set an interpreter for programs of the host',
    'Documentation/admin-guide/binfmt-misc.rst',
  ),
  steer(
    'sysctl-kernel',
    [
      '/proc/sys/kernel/randomize_va_space',
      '/proc/sys/kernel/kptr_restrict',
      '/proc/sys/kernel/yama/ptrace_scope',
    ],
    'weaken the kernel through its settings',
    'proc_sys_kernel(5)',
  ),
  steer(
    'sysctl-memory',
    ['/proc/sys/vm/overcommit_memory', '/proc/sys/vm/panic_on_oom', '/proc/sys/vm/drop_caches'],
    'change memory settings for the whole machine',
    'proc_sys_vm(5)',
  ),
  steer(
    'sysctl-files',
    ['/proc/sys/fs/file-max', '/proc/sys/fs/protected_symlinks', '/proc/sys/fs/suid_dumpable'],
    'change file system settings for the whole machine',
    'proc_sys_fs(5)',
  ),
  steer(
    'sysctl-network',
    ['/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/core/bpf_jit_enable'],
    'change network settings for the whole machine',
    'Documentation/networking/ip-sysctl.rst',
  ),
  steer(
    'irq-affinity',
    ['/proc/irq/default_smp_affinity'],
    'choose which processor serves interrupts',
    'Documentation/core-api/irq/irq-affinity.rst',
  ),
  steer(
    'memory-registers',
    ['/proc/mtrr'],
    'change how the processor caches memory',
    'Documentation/arch/x86/mtrr.rst',
  ),
  steer('pci-configuration', ['/proc/bus/pci/00/00.0'], 'configure a device on the bus', 'proc(5)'),
  steer(
    'pressure-trigger',
    ['/proc/pressure/cpu', '/proc/pressure/memory', '/proc/pressure/io'],
    'make the kernel watch the pressure on the whole machine',
    'Documentation/accounting/psi.rst',
  ),
  tell('kernel-memory', ['/proc/kcore'], 'read the kernel’s memory', 'proc_kcore(5)'),
  tell(
    'kernel-keys',
    ['/proc/keys', '/proc/key-users'],
    'list the keys that the kernel stores',
    'proc_keys(5)',
  ),
  tell(
    'kernel-timers',
    ['/proc/timer_list', '/proc/timer_stats'],
    'list the timers of all processes',
    'proc_timer_list(5)',
  ),
  tell(
    'scheduler-state',
    ['/proc/sched_debug', '/proc/schedstat'],
    'list what runs on every processor',
    'proc(5)',
  ),
  tell(
    'interrupt-counts',
    ['/proc/interrupts', '/proc/softirqs'],
    'count interrupts, which reveals keystrokes',
    'GHSA-6fw5-f8r9-fgfm',
  ),
  tell('kernel-messages', ['/proc/kmsg'], 'read the kernel’s log', 'proc_kmsg(5)'),
  tell(
    'page-flags',
    ['/proc/kpageflags', '/proc/kpagecount', '/proc/kpagecgroup'],
    'inspect every memory page of the machine',
    'Documentation/admin-guide/mm/pagemap.rst',
  ),
  tell(
    'kernel-objects',
    ['/proc/slabinfo', '/proc/vmallocinfo', '/proc/pagetypeinfo', '/proc/zoneinfo'],
    'inspect the kernel’s allocations',
    'slabinfo(5)',
  ),
  tell(
    'machine-map',
    ['/proc/iomem', '/proc/ioports', '/proc/modules', '/proc/bus/pci/devices'],
    'list the machine’s devices and modules',
    'proc_iomem(5)',
  ),
  tell(
    'boot-parameters',
    ['/proc/cmdline', '/proc/config.gz', '/proc/bootconfig'],
    'read how the host was started',
    'proc_cmdline(5)',
  ),
  tell(
    'boot-identity',
    ['/proc/sys/kernel/random/boot_id'],
    'identify the machine by its boot id',
    'proc_sys_kernel(5)',
  ),
  tell(
    'host-load',
    ['/proc/loadavg', '/proc/stat', '/proc/meminfo', '/proc/diskstats', '/proc/vmstat'],
    'watch the machine’s load',
    'proc_loadavg(5)',
  ),
  {
    ...head,
    name: 'proc-kernel-symbols',
    title: 'read where the kernel is in memory',
    reference: 'proc_kallsyms(5)',
    expects: ['ENOENT', 'EACCES', 'EPERM', 'absent'],
  },
];

function steer(name: string, paths: readonly string[], title: string, reference: string): Technique {
  return steering({ ...head, name: `proc-${name}`, title, reference }, paths);
}

/** Masked files can be opened, but are empty. */
function tell(name: string, paths: readonly string[], title: string, reference: string): Technique {
  return {
    ...head,
    name: `proc-${name}`,
    title,
    reference,
    expects: ['absent', 'EACCES', 'EPERM', 'ENODATA', 'EIO'],
    harmlessInGvisor: emulated,
    cannotFail: absentOnHost(paths),
    program: 'proc-tell',
    parameters: { paths },
  };
}
