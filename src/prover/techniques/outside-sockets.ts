/** Kinds of sockets that no function needs: each family is a separate part of the kernel. */
import type { Technique } from '../types.ts';

const head = { vector: 'outside', control: 'seccomp' } as const;

const own = 'the socket belongs to gVisor’s kernel, whose network has only lo';

/** Asks first for a type that doesn't exist and, if that is refused too, for the right one. */
function family(name: string, names: readonly string[], title: string, reference: string): Technique {
  return {
    ...head,
    name: `socket-${name}`,
    title,
    reference,
    expects: ['EPERM', 'EAFNOSUPPORT', 'EACCES'],
    program: 'socket-family',
    parameters: { names },
  };
}

function netlink(name: string, protocol: number, title: string, reference: string): Technique {
  return {
    ...head,
    name: `netlink-${name}`,
    title,
    reference,
    expects: ['EPERM', 'EPROTONOSUPPORT', 'EACCES'],
    harmlessInGvisor: own,
    program: 'netlink',
    parameters: { protocol },
  };
}

export const socketTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'socket-raw',
    title: 'create its own packets',
    reference: 'raw(7)',
    expects: ['EPERM', 'EACCES'],
  },
  {
    ...head,
    name: 'socket-packet',
    title: 'read and write frames of the network devices',
    reference: 'packet(7), CVE-2016-8655, CVE-2020-14386',
    expects: ['EPERM', 'EACCES'],
  },
  {
    ...head,
    name: 'socket-ping',
    title: 'send pings',
    reference: 'icmp(7), ping_group_range',
    expects: ['EACCES', 'EPERM'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'socket-protocol',
    title: 'make the kernel load a module for another IP protocol',
    reference: 'socket(2), CVE-2022-2078 (DCCP), CVE-2019-8956 (SCTP)',
    expects: ['EPERM', 'EACCES'],
    harmlessInGvisor: 'its kernel has no modules',
  },
  {
    ...head,
    name: 'socket-high-bits',
    title: 'hide the family of a socket from the filter behind high bits',
    reference: 'seccomp(2), socket(2)',
    expects: ['EPERM', 'EAFNOSUPPORT'],
  },
  {
    ...head,
    name: 'socketpair-family',
    title: 'create a socket pair of a family other than Unix',
    reference: 'socketpair(2), CVE-2019-15239',
    expects: ['EPERM', 'EOPNOTSUPP'],
  },
  family('vsock', ['VSOCK'], 'reach the hypervisor', 'vsock(7), CVE-2021-26708, CVE-2025-21756'),
  family('rxrpc', ['RXRPC'], 'use the protocol of file servers', 'CVE-2026-43500 (Dirty Frag)'),
  family('can', ['CAN'], 'reach the machine’s field bus', 'CVE-2010-2959, CVE-2021-3609'),
  family(
    'bluetooth',
    ['BLUETOOTH', 'NFC', 'IEEE802154'],
    'reach the machine’s radios',
    'CVE-2020-12351, CVE-2021-23134',
  ),
  family(
    'cluster',
    ['TIPC', 'RDS', 'SMC', 'KCM', 'QIPCRTR', 'MCTP', 'IB'],
    'use cluster protocols',
    'CVE-2021-43267, CVE-2010-3904, CVE-2018-5391',
  ),
  family('key-management', ['KEY'], 'manage IPsec keys', 'ipsec(7), RFC 2367; CVE-2022-1353'),
  family('xdp', ['XDP'], 'take packets before the kernel sees them', 'Documentation/networking/af_xdp.rst'),
  family(
    'forgotten',
    [
      'AX25',
      'IPX',
      'APPLETALK',
      'NETROM',
      'X25',
      'ROSE',
      'DECNET',
      'LLC',
      'MPLS',
      'IUCV',
      'PHONET',
      'CAIF',
      'PPPOX',
    ],
    'use unmaintained protocols',
    'CVE-2022-1199, CVE-2009-2909, CVE-2010-3848',
  ),
  netlink('firewall', 12, 'change the packet filter', 'CVE-2023-32233, CVE-2024-1086 (nf_tables)'),
  netlink('ipsec', 6, 'change IPsec rules', 'CVE-2017-16939, CVE-2026-43284'),
  netlink('audit', 9, 'write to the audit log', 'audit(8), CAP_AUDIT_WRITE'),
  netlink('devices', 15, 'receive or forge device events', 'udev(7), CVE-2009-1185'),
  netlink('diagnosis', 4, 'list the sockets of all processes', 'sock_diag(7), CVE-2013-1763'),
  netlink(
    'generic',
    16,
    'reach any registered service: drivers, file systems, task statistics',
    'CVE-2017-6074, Documentation/accounting/taskstats.rst',
  ),
  netlink('cryptography', 21, 'configure the kernel’s ciphers', 'Documentation/crypto/userspace-if.rst'),
];
