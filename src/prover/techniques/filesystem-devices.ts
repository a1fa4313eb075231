/** Devices: memory, disks, machines and buses behind a name in /dev. */
import { stat } from 'node:fs/promises';
import { absentOnHost } from '../cannot-fail.ts';
import { programText } from '../programs.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'minimal-dev' } as const;

/** Opens and closes devices at once. Never a watchdog: opening and closing one restarts the machine. */
export const deviceTechniques: readonly Technique[] = [
  device('memory', ['/dev/mem', '/dev/kmem'], 'read and write the machine’s memory', 'mem(4)'),
  device('ports', ['/dev/port'], 'read and write I/O ports', 'mem(4)'),
  device(
    'kernel-log',
    ['/dev/kmsg'],
    'read and write the kernel’s log',
    'Documentation/ABI/testing/dev-kmsg',
  ),
  device(
    'console',
    ['/dev/console', '/dev/tty0', '/dev/tty1', '/dev/ttyS0'],
    'read and write the host’s console',
    'console(4), CVE-2025-52565',
  ),
  device(
    'disks',
    [
      '/dev/vda',
      '/dev/sda',
      '/dev/xvda',
      '/dev/nvme0n1',
      '/dev/mmcblk0',
      '/dev/dm-0',
      '/dev/md0',
      '/dev/ram0',
      '/dev/nbd0',
      '/dev/pmem0',
    ],
    'open a disk of the host',
    'sd(4)',
  ),
  device('loop', ['/dev/loop-control', '/dev/loop0'], 'create a disk from a file', 'loop(4)'),
  device(
    'device-mapper',
    ['/dev/mapper/control', '/dev/btrfs-control', '/dev/zfs'],
    'map disks',
    'Documentation/admin-guide/device-mapper',
  ),
  device('fuse', ['/dev/fuse', '/dev/cuse'], 'serve a file system to the kernel', 'fuse(4)'),
  device(
    'virtual-machines',
    ['/dev/kvm', '/dev/vhost-net', '/dev/vhost-vsock', '/dev/vfio/vfio', '/dev/sev', '/dev/sgx_enclave'],
    'start a virtual machine',
    'Documentation/virt/kvm/api.rst',
  ),
  device(
    'network-tunnel',
    ['/dev/net/tun', '/dev/ppp', '/dev/vsock'],
    'create a network interface',
    'Documentation/networking/tuntap.rst',
  ),
  device(
    'input',
    ['/dev/uinput', '/dev/uhid', '/dev/input/event0', '/dev/input/mice'],
    'read or inject keystrokes',
    'Documentation/input/uinput.rst',
  ),
  device(
    'graphics',
    ['/dev/dri/card0', '/dev/dri/renderD128', '/dev/fb0', '/dev/nvidiactl'],
    'use a graphics device',
    'Documentation/gpu/drm-uapi.rst',
  ),
  device(
    'userfaults',
    ['/dev/userfaultfd'],
    'handle its own page faults without the system call',
    'userfaultfd(2)',
  ),
  device(
    'terminals',
    ['/dev/ptmx', '/dev/pts/ptmx', '/dev/pts/0'],
    'create terminals, or open those of others',
    'pts(4)',
  ),
  device(
    'buses',
    ['/dev/i2c-0', '/dev/spidev0.0', '/dev/gpiochip0', '/dev/bus/usb/001/001', '/dev/sg0'],
    'talk to devices on a bus',
    'Documentation/i2c/dev-interface.rst',
  ),
  device(
    'processors',
    ['/dev/cpu/0/msr', '/dev/cpu/0/cpuid', '/dev/cpu_dma_latency', '/dev/mcelog'],
    'read and write registers of the processor',
    'msr(4)',
  ),
  device(
    'chips',
    ['/dev/tpm0', '/dev/tpmrm0', '/dev/rtc0', '/dev/hpet', '/dev/nvram', '/dev/snapshot'],
    'use the machine’s chips',
    'Documentation/admin-guide/rtc.rst',
  ),
  {
    ...head,
    name: 'mknod-character',
    title: 'create a device node for the kernel’s log',
    reference: 'mknod(2)',
    expects: ['EPERM', 'EACCES'],
    program: 'mknod',
    parameters: { kind: 'S_IFCHR', major: 1, minor: 11 },
  },
  {
    ...head,
    name: 'mknod-memory',
    title: 'create a device node for the machine’s memory',
    reference: 'mknod(2), mem(4)',
    expects: ['EPERM', 'EACCES'],
    program: 'mknod',
    parameters: { kind: 'S_IFCHR', major: 1, minor: 1 },
  },
  {
    ...head,
    name: 'mknod-block',
    title: 'create a device node for a disk of the host',
    reference: 'mknod(2)',
    expects: ['EPERM', 'EACCES'],
    program: 'mknod',
    parameters: { kind: 'S_IFBLK', major: 254, minor: 0 },
  },
  {
    ...head,
    name: 'null-chmod',
    control: 'user-namespace',
    title: 'change who may use the host’s /dev/null',
    reference: 'chmod(2), null(4)',
    expects: ['EPERM', 'EROFS', 'EACCES'],
    harmlessInGvisor: 'the device belongs to gVisor’s kernel',
  },
  {
    ...head,
    name: 'null-chown',
    control: 'user-namespace',
    title: 'become the owner of the host’s /dev/null',
    reference: 'chown(2), null(4)',
    expects: ['EPERM', 'EROFS', 'EACCES', 'EINVAL'],
    harmlessInGvisor: 'the device belongs to gVisor’s kernel',
  },
  {
    ...head,
    name: 'device-times',
    title: 'change the last-used time of a device, which the host and other tenants see',
    reference: 'utimensat(2)',
    expects: ['EROFS', 'EPERM', 'EACCES'],
    harmlessInGvisor: 'the device belongs to gVisor’s kernel',
  },
  {
    ...head,
    name: 'device-inodes',
    title: 'reach the host’s own device files, whose locks can hold up the host',
    reference: 'flock(2), fcntl(2)',
    expects: ['absent'],
    run: async ({ run }) => {
      const names = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
      const seen = await Promise.all(names.map((name) => stat(`/dev/${name}`).catch(() => undefined)));
      const hosts = seen.map((found) => (found === undefined ? '' : `${found.dev} ${found.ino}`));
      return run(programText('escape/device-inodes'), { more: { names, hosts } });
    },
  },
  {
    ...head,
    name: 'device-replace',
    title: 'replace a device with a link, which the host might open next',
    reference: 'CVE-2025-31133',
    expects: ['EROFS', 'EACCES', 'EPERM'],
    harmlessInGvisor: 'the folder belongs to gVisor’s kernel',
  },
];

function device(name: string, paths: readonly string[], title: string, reference: string): Technique {
  return {
    ...head,
    name: `device-${name}`,
    title,
    reference,
    expects: ['absent', 'EPERM', 'EACCES'],
    harmlessInGvisor: 'its kernel emulates the device',
    cannotFail: absentOnHost(paths),
    program: 'device',
    parameters: { paths },
  };
}
