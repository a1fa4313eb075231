/** Parts of the kernel behind options and flags of sockets, futexes and threads that no runtime needs. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

const own = 'the socket belongs to gVisor’s kernel, whose network has only lo';

function option(name: string, title: string, reference: string): Technique {
  return {
    ...head,
    name,
    title,
    reference,
    expects: ['EPERM'],
    harmlessInGvisor: own,
  };
}

export const socketOptionTechniques: readonly Technique[] = [
  option(
    'tcp-signatures',
    'make the kernel sign TCP segments with keys that it stores',
    'tcp(7) TCP_MD5SIG, RFC 2385, RFC 5925',
  ),
  option(
    'tcp-upper-protocols',
    'make the kernel load a module for another protocol on top of TCP: kTLS, ESP in TCP, SMC',
    'Documentation/networking/tls.rst, CVE-2023-0461',
  ),
  option(
    'udp-encapsulation',
    'make the kernel treat datagrams as IPsec packets',
    'udp(7) UDP_ENCAP, RFC 3948',
  ),
  option(
    'udp-segmentation',
    'have the kernel split large blocks into datagrams, and join datagrams into blocks',
    'udp(7) UDP_SEGMENT, CVE-2017-1000112',
  ),
  option(
    'ipv6-extension-headers',
    'send packets with IPv6 routing headers and options',
    'ipv6(7), RFC 5095; CVE-2016-3841, CVE-2017-7542',
  ),
  {
    ...head,
    name: 'tcp-zero-copy-receive',
    title: 'map received TCP pages that are shared with their sender',
    reference: 'Documentation/networking/msg_zerocopy.rst, TCP_ZEROCOPY_RECEIVE',
    expects: ['EPERM', 'ENOPROTOOPT'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'unix-out-of-band',
    title: 'send an out-of-band byte between Unix sockets',
    reference: 'unix(7) MSG_OOB, CVE-2025-38236',
    expects: ['EPERM', 'EOPNOTSUPP'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'unix-out-of-band-receive',
    title: 'receive out-of-band data and look past the mark',
    reference: 'unix(7) MSG_OOB, CVE-2025-38236',
    expects: ['EPERM', 'EOPNOTSUPP', 'EINVAL'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'futex-priority',
    title: 'make the kernel lend priorities between threads that wait for a lock',
    reference: 'futex(2) FUTEX_LOCK_PI, CVE-2014-3153 (Towelroot), CVE-2021-3347',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'the lock belongs to gVisor’s kernel',
  },
  {
    ...head,
    name: 'futex-requeue-priority',
    title: 'move waiting threads to a lock that lends priorities',
    reference: 'futex(2) FUTEX_CMP_REQUEUE_PI, CVE-2014-3153 (Towelroot)',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'the lock belongs to gVisor’s kernel',
  },
  {
    ...head,
    name: 'thread-features',
    title: 'switch its own processor features: a fault at CPUID, tags in addresses, large registers',
    reference: 'arch_prctl(2), Documentation/arch/x86/xstate.rst',
    expects: ['EPERM', 'absent'],
    harmlessInGvisor: 'gVisor’s kernel emulates the register',
  },
];
