/** /sys and the control groups: devices, firmware, power, and the limits. */

import { absentOnHost } from '../cannot-fail.ts';
import { emulated, steering } from '../steering.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'mount-namespace' } as const;

export const sysTechniques: readonly Technique[] = [
  steer(
    'uevent-helper',
    ['/sys/kernel/uevent_helper'],
    'set the program that the kernel starts for each device',
    'Documentation/core-api/kobject.rst',
  ),
  steer(
    'power-state',
    ['/sys/power/state', '/sys/power/disk'],
    'send the machine to sleep',
    'Documentation/admin-guide/pm/sleep-states.rst',
  ),
  steer(
    'page-merging',
    ['/sys/kernel/mm/ksm/run', '/sys/kernel/mm/transparent_hugepage/enabled'],
    'make the kernel merge pages of all processes, which reveals their content',
    'Documentation/admin-guide/mm/ksm.rst, CVE-2015-2877',
  ),
  steer(
    'devices',
    ['/sys/devices/system/cpu/cpu1/online', '/sys/bus/pci/rescan', '/sys/module/kernel/parameters/panic'],
    'turn a device off',
    'sysfs(5)',
  ),
  steer(
    'release-agent',
    [
      '/sys/fs/cgroup/release_agent',
      '/sys/fs/cgroup/rdma/release_agent',
      '/sys/fs/cgroup/memory/release_agent',
      '/sys/fs/cgroup/cpu/release_agent',
    ],
    'set the program that the kernel starts as root when a group becomes empty',
    'CVE-2022-0492',
  ),
  steer(
    'cgroup-limits',
    [
      '/sys/fs/cgroup/memory.max',
      '/sys/fs/cgroup/pids.max',
      '/sys/fs/cgroup/cpu.max',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes',
      '/sys/fs/cgroup/pids/pids.max',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us',
    ],
    'lift its own limits',
    'cgroups(7)',
  ),
  steer(
    'cgroup-devices',
    ['/sys/fs/cgroup/devices/devices.allow'],
    'allow itself every device',
    'cgroups(7), devices',
  ),
  steer(
    'cgroup-freeze',
    [
      '/sys/fs/cgroup/cgroup.freeze',
      '/sys/fs/cgroup/cgroup.procs',
      '/sys/fs/cgroup/freezer/freezer.state',
      '/sys/fs/cgroup/freezer/cgroup.procs',
    ],
    'thaw itself, or leave the frozen group',
    'cgroups(7)',
  ),
  tell(
    'firmware',
    [
      '/sys/firmware/efi/efivars',
      '/sys/firmware/dmi/tables/DMI',
      '/sys/firmware/acpi/tables',
      '/sys/class/dmi/id/product_uuid',
    ],
    'read the firmware',
    'sysfs(5)',
  ),
  tell(
    'energy',
    ['/sys/class/powercap', '/sys/devices/virtual/powercap', '/sys/class/thermal'],
    'measure energy, which reveals keys',
    'CVE-2020-8694 (Platypus)',
  ),
  tell(
    'kernel-notes',
    ['/sys/kernel/notes', '/sys/kernel/vmcoreinfo', '/sys/kernel/btf/vmlinux'],
    'read the kernel’s build-time addresses',
    'CVE-2024-26816',
  ),
  tell(
    'debug',
    [
      '/sys/kernel/debug',
      '/sys/kernel/tracing',
      '/sys/kernel/security',
      '/sys/kernel/slab',
      '/sys/fs/pstore',
    ],
    'inspect the kernel through its debugging file systems',
    'Documentation/filesystems/debugfs.rst',
  ),
  tell(
    'kernel-modules',
    ['/sys/module', '/sys/class/net', '/sys/block', '/sys/devices'],
    'list modules and devices',
    'sysfs(5)',
  ),
];

function steer(name: string, paths: readonly string[], title: string, reference: string): Technique {
  return steering({ ...head, name: `sys-${name}`, title, reference }, paths);
}

function tell(name: string, paths: readonly string[], title: string, reference: string): Technique {
  return {
    ...head,
    name: `sys-${name}`,
    title,
    reference,
    expects: ['absent', 'EACCES', 'EPERM', 'ENODATA'],
    harmlessInGvisor: emulated,
    cannotFail: absentOnHost(paths),
    program: 'sys-tell',
    parameters: { paths },
  };
}
