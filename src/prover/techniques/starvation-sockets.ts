/**
 * Attacks on the machine's other users: kernel memory for sockets. Control groups count some of it separately from the
 * memory, and some not at all.
 */
import type { Technique } from '../types.ts';

const head = { vector: 'neighbours', control: 'memory-limit' } as const;
const reaches = 'memory';
const counted = 'it uses memory of gVisor’s kernel, which is counted';

export const socketStarvation: readonly Technique[] = [
  {
    ...head,
    reaches,
    name: 'memory-tcp',
    title: 'hold memory in unread TCP connections',
    reference: 'tcp(7), memory.kmem.tcp.limit_in_bytes',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    name: 'memory-udp',
    title: 'hold memory in unread datagrams',
    reference: 'udp(7), SO_RCVBUF',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    name: 'memory-tcp-unaccepted',
    title: 'hold memory in TCP connections that are never accepted and whose other end is closed',
    reference: 'tcp(7), listen(2), net.core.somaxconn',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    name: 'memory-netlink',
    title: 'hold memory in unread netlink replies',
    reference: 'netlink(7), RTM_GETLINK, SO_MEMINFO',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    reaches,
    control: 'seccomp',
    name: 'memory-error-queue',
    title: 'hold memory in error reports, which no limit counts',
    reference: 'ip(7), IP_RECVERR',
    expects: ['limit'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'flow-labels',
    title: 'use up the machine’s 4,096 flow labels',
    reference: 'ipv6(7), IPV6_FLOWLABEL_MGR; RFC 6437',
    expects: ['EPERM', 'ENOPROTOOPT'],
    harmlessInGvisor: 'its kernel keeps no flow labels',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'multicast-memberships',
    title:
      'join multicast groups endlessly; the kernel keeps lists and timers for each, which no limit counts',
    reference: 'ip(7) IP_ADD_MEMBERSHIP, ipv6(7) IPV6_JOIN_GROUP',
    expects: ['EPERM'],
    harmlessInGvisor: counted,
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'unix-in-flight',
    title: 'leave descriptors in unread sockets for the kernel’s own thread to clean up',
    reference: 'unix(7) ETOOMANYREFS, CVE-2024-26923',
    expects: ['ETOOMANYREFS', 'limit'],
    harmlessInGvisor: counted,
  },
];
