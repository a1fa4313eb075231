/**
 * Attacks on the machine's other users: what the kernel keeps for sockets. Control groups count some of it beside the
 * memory, and some not at all.
 */
import type { Technique } from '../types.ts';

const head = { vector: 'neighbours', control: 'memory-limit' } as const;
const reaches = 'memory';
const counted = 'it is memory of its kernel, which is counted';

export const socketStarvation: readonly Technique[] = [
  {
    ...head,
    reaches,
    name: 'memory-tcp',
    title: 'hold memory in connections of TCP that nobody reads',
    reference: 'tcp(7), memory.kmem.tcp.limit_in_bytes',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    name: 'memory-udp',
    title: 'hold memory in datagrams that nobody reads',
    reference: 'udp(7), SO_RCVBUF',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    name: 'memory-tcp-unaccepted',
    title: 'hold memory in connections of TCP that nobody accepts, and whose other end is closed',
    reference: 'tcp(7), listen(2), net.core.somaxconn',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    name: 'memory-netlink',
    title: 'hold memory in replies of netlink that nobody reads',
    reference: 'netlink(7), RTM_GETLINK, SO_MEMINFO',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    control: 'seccomp',
    name: 'memory-error-queue',
    title: 'hold memory in reports of errors, which no limit counts',
    reference: 'ip(7), IP_RECVERR',
    expects: ['limit'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'flow-labels',
    title: 'use up the flow labels of the machine, of which there are 4,096 for all',
    reference: 'ipv6(7), IPV6_FLOWLABEL_MGR; RFC 6437',
    expects: ['EPERM', 'ENOPROTOOPT'],
    harmlessInGvisor: 'its kernel keeps none',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'multicast-memberships',
    title:
      'join groups without end, for each of which the kernel keeps lists and timers that no limit counts',
    reference: 'ip(7) IP_ADD_MEMBERSHIP, ipv6(7) IPV6_JOIN_GROUP',
    expects: ['EPERM'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'unix-in-flight',
    title: 'leave descriptors in sockets that nobody reads, for the kernel’s own thread to sort out',
    reference: 'unix(7) ETOOMANYREFS, CVE-2024-26923',
    expects: ['ETOOMANYREFS', 'limit'],
    harmlessInGvisor: counted,
  },
];
