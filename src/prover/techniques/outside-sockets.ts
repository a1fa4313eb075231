/** Sockets of other kinds than a function needs: each family is a part of the kernel of its own. */
import type { Technique } from '../types.ts';

const head = { vector: 'outside', control: 'seccomp' } as const;

const own = 'it is a socket of its kernel, whose network has nothing but lo';

const families = `
FAMILIES = {"AX25": 3, "IPX": 4, "APPLETALK": 5, "NETROM": 6, "X25": 9, "ROSE": 11, "DECNET": 12, "KEY": 15, "RDS": 21, "PPPOX": 24, "LLC": 26,
            "IB": 27, "MPLS": 28, "CAN": 29, "TIPC": 30, "BLUETOOTH": 31, "IUCV": 32, "RXRPC": 33, "PHONET": 35, "IEEE802154": 36, "CAIF": 37,
            "NFC": 39, "VSOCK": 40, "KCM": 41, "QIPCRTR": 42, "SMC": 43, "XDP": 44, "MCTP": 45}
# No socket has this type: the kernel says so (EINVAL) after the filter and before it loads a module.
NO_SUCH_TYPE = 15
def open_socket(family, kind=NO_SUCH_TYPE, protocol=0):
    syscall("socket", family, kind, protocol)
`;

/** Asked for by a type that doesn't exist first; where that is refused too, by the right one. */
function family(name: string, names: readonly string[], title: string, reference: string): Technique {
  return {
    ...head,
    name: `socket-${name}`,
    title,
    reference,
    expects: ['EPERM', 'EAFNOSUPPORT', 'EACCES'],
    program: `${families}
refusals = []
for name in ${JSON.stringify(names)}:
    for kind in (NO_SUCH_TYPE, 2, 3, 5, 1):
        answer = attempt(lambda: open_socket(FAMILIES[name], kind))
        if answer in ("ok", "EINVAL", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EPROTOTYPE"):
            escaped("sockets of the family " + name + " are let through: " + answer)
        refusals.append(answer)
blocked(refusals[0], str(len(refusals)) + " ways")
`,
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
    program: `
AF_NETLINK, SOCK_RAW, SOCK_DGRAM, SOCK_SEQPACKET = 16, 3, 2, 5
# Netlink has no such type, and says so after the filter and before it loads a module.
let_through_by = ("ok", "ESOCKTNOSUPPORT")
answers = []
for kind, protocol in ((SOCK_SEQPACKET, ${protocol}), (SOCK_RAW, ${protocol}), (SOCK_DGRAM, ${protocol}), (SOCK_RAW, 1 << 32 | ${protocol})):
    answers.append(attempt(lambda: syscall("socket", AF_NETLINK, kind, protocol)))
    if answers[-1] in let_through_by:
        escaped("netlink protocol ${protocol} is let through: " + answers[-1])
blocked(answers[0], str(len(answers)) + " ways")
`,
  };
}

export const socketTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'socket-raw',
    title: 'make packets of one’s own',
    reference: 'raw(7)',
    expects: ['EPERM', 'EACCES'],
    program: `
first_refusal([("a raw IPv4 socket is open", lambda: syscall("socket", 2, 3, 255)),
               ("a raw IPv6 socket is open", lambda: syscall("socket", 10, 3, 58)),
               ("a raw TCP socket is open", lambda: syscall("socket", 2, 3, 6))])
`,
  },
  {
    ...head,
    name: 'socket-packet',
    title: 'read and write frames of the network devices',
    reference: 'packet(7), CVE-2016-8655, CVE-2020-14386',
    expects: ['EPERM', 'EACCES'],
    program: `
ETH_P_ALL = 0x0300
first_refusal([("a packet socket is open", lambda: syscall("socket", 17, 3, ETH_P_ALL)),
               ("a datagram packet socket is open", lambda: syscall("socket", 17, 2, ETH_P_ALL)),
               ("an old packet socket is open", lambda: syscall("socket", 2, 10, ETH_P_ALL))])
`,
  },
  {
    ...head,
    name: 'socket-ping',
    title: 'send pings',
    reference: 'icmp(7), ping_group_range',
    expects: ['EACCES', 'EPERM'],
    harmlessInGvisor: own,
    program: `
first_refusal([("a ping socket is open", lambda: syscall("socket", 2, 2, 1)),
               ("a ping socket of IPv6 is open", lambda: syscall("socket", 10, 2, 58))])
`,
  },
  {
    ...head,
    name: 'socket-protocol',
    title: 'have the kernel load a module for another protocol of IP',
    reference: 'socket(2), CVE-2022-2078 (DCCP), CVE-2019-8956 (SCTP)',
    expects: ['EPERM', 'EACCES'],
    harmlessInGvisor: 'its kernel has no modules',
    program: `
# One of the numbers for experiments (RFC 3692), for which there is no module: where the call is let through, the kernel looks for one.
EXPERIMENT = 253
let_through(lambda: syscall("socket", 2, 1, EXPERIMENT), ["EPROTONOSUPPORT", "ESOCKTNOSUPPORT"], "any protocol may be asked for")
`,
  },
  {
    ...head,
    name: 'socket-high-bits',
    title: 'hide the family of a socket from the filter behind high bits',
    reference: 'seccomp(2), socket(2)',
    expects: ['EPERM', 'EAFNOSUPPORT'],
    program: `${families}
first_refusal([("vsock by high bits", lambda: syscall("socket", 1 << 32 | FAMILIES["VSOCK"], NO_SUCH_TYPE, 0)),
               ("packet by high bits", lambda: syscall("socket", 1 << 63 | 17, 3, 0)),
               ("raw by high bits of the type", lambda: syscall("socket", 2, 1 << 32 | 3, 255))])
`,
  },
  {
    ...head,
    name: 'socketpair-family',
    title: 'make a pair of sockets of another family than Unix',
    reference: 'socketpair(2), CVE-2019-15239',
    expects: ['EPERM', 'EOPNOTSUPP'],
    program: `
pair = buffer(8)
SOCKETPAIR = {"x64": 53, "arm64": 199}[facts["arch"]]
let_through(lambda: syscall(SOCKETPAIR, 30, 15, 0, pair), ["EINVAL", "EAFNOSUPPORT"], "pairs of other families are let through")
`,
  },
  family('vsock', ['VSOCK'], 'reach the hypervisor', 'vsock(7), CVE-2021-26708, CVE-2025-21756'),
  family('rxrpc', ['RXRPC'], 'reach the file servers’ protocol', 'CVE-2026-43500 (Dirty Frag)'),
  family('can', ['CAN'], 'reach the field bus of a machine', 'CVE-2010-2959, CVE-2021-3609'),
  family(
    'bluetooth',
    ['BLUETOOTH', 'NFC', 'IEEE802154'],
    'reach radios of the machine',
    'CVE-2020-12351, CVE-2021-23134',
  ),
  family(
    'cluster',
    ['TIPC', 'RDS', 'SMC', 'KCM', 'QIPCRTR', 'MCTP', 'IB'],
    'reach protocols of clusters',
    'CVE-2021-43267, CVE-2010-3904, CVE-2018-5391',
  ),
  family('key-management', ['KEY'], 'manage keys of IPsec', 'ipsec(7), RFC 2367; CVE-2022-1353'),
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
    'use protocols that nobody maintains',
    'CVE-2022-1199, CVE-2009-2909, CVE-2010-3848',
  ),
  netlink('firewall', 12, 'change the packet filter', 'CVE-2023-32233, CVE-2024-1086 (nf_tables)'),
  netlink('ipsec', 6, 'change rules of IPsec', 'CVE-2017-16939, CVE-2026-43284'),
  netlink('audit', 9, 'write to the audit log', 'audit(8), CAP_AUDIT_WRITE'),
  netlink('devices', 15, 'hear of devices, or forge such news', 'udev(7), CVE-2009-1185'),
  netlink('diagnosis', 4, 'list the sockets of all processes', 'sock_diag(7), CVE-2013-1763'),
  netlink(
    'generic',
    16,
    'reach whatever has registered itself: drivers, file systems, task statistics',
    'CVE-2017-6074, Documentation/accounting/taskstats.rst',
  ),
  netlink('cryptography', 21, 'configure the kernel’s ciphers', 'Documentation/crypto/userspace-if.rst'),
];
