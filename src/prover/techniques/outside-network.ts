/** The network from inside: what exists, where it leads, and whether it can be changed. */
import type { Technique } from '../types.ts';

const head = { vector: 'outside', control: 'network-namespace' } as const;

const own = 'it is the network of gVisor’s kernel, which has only lo';

const unreachable = [
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EACCES',
  'EPERM',
  'ECONNREFUSED',
  'EADDRNOTAVAIL',
] as const;

function reach(
  name: string,
  targets: readonly (readonly [string, number])[],
  title: string,
  reference: string,
): Technique {
  return {
    ...head,
    name: `reach-${name}`,
    title,
    reference,
    expects: unreachable,
    program: 'reach',
    parameters: { targets },
  };
}

export const networkTechniques: readonly Technique[] = [
  reach(
    'metadata',
    [
      ['169.254.169.254', 80],
      ['fd00:ec2::254', 80],
      ['169.254.170.2', 80],
      ['100.100.100.200', 80],
      ['168.63.129.16', 80],
    ],
    'ask the cloud for the machine’s credentials',
    'instance metadata services, CVE-2019-17558',
  ),
  reach(
    'private',
    [
      ['10.0.0.1', 22],
      ['172.17.0.1', 80],
      ['192.168.0.1', 80],
      ['fd00::1', 80],
    ],
    'reach private networks, and the host at the usual gateway',
    'RFC 1918, RFC 4193',
  ),
  reach(
    'internet',
    [
      ['192.0.2.1', 443],
      ['198.51.100.1', 80],
      ['2001:db8::1', 443],
    ],
    'reach the internet (at addresses reserved for documentation)',
    'RFC 5737, RFC 3849',
  ),
  reach(
    'link-local',
    [
      ['169.254.1.1', 80],
      ['fe80::1', 80],
      ['0.0.0.0', 22],
    ],
    'reach neighbours on the link',
    'RFC 3927',
  ),
  {
    ...head,
    name: 'reach-datagrams',
    title: 'send datagrams out',
    reference: 'udp(7)',
    expects: unreachable,
  },
  {
    ...head,
    name: 'resolve-names',
    title: 'exfiltrate data by resolving names',
    reference: 'resolver(3)',
    expects: ['absent'],
  },
  {
    ...head,
    name: 'interfaces',
    title: 'find a network device other than lo',
    reference: 'netdevice(7)',
    expects: ['absent', 'EPERM'],
  },
  {
    ...head,
    control: 'seccomp',
    name: 'interface-change',
    title: 'change a network device',
    reference: 'netdevice(7), SIOCSIFFLAGS',
    expects: ['EPERM', 'ENOTTY'],
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'interface-create',
    title: 'create a network device through netlink',
    reference: 'rtnetlink(7), RTM_NEWLINK',
    expects: ['EPERM', 'EACCES', 'EOPNOTSUPP'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'filter-table',
    title: 'replace the table of the packet filter',
    reference: 'CVE-2021-22555, CVE-2016-4997',
    expects: ['EPERM', 'ENOPROTOOPT'],
    harmlessInGvisor: 'the table belongs to the network of gVisor’s kernel',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'socket-filter',
    title: 'make the kernel compile its own filter to machine code',
    reference: 'socket(7) SO_ATTACH_FILTER, CVE-2024-2201 (Native BHI)',
    expects: ['EPERM'],
    harmlessInGvisor: 'the filter belongs to gVisor’s kernel, which compiles nothing',
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'socket-options',
    title: 'mark packets, take addresses of others, and exceed buffer limits',
    reference: 'socket(7) SO_MARK, ip(7) IP_TRANSPARENT',
    expects: ['EPERM', 'EACCES'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'low-port',
    title: 'listen on a system port',
    reference: 'ip(7), ip_unprivileged_port_start',
    expects: ['EACCES', 'EPERM'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'network-settings',
    title: 'read the addresses of the host’s servers',
    reference: 'resolv.conf(5), hosts(5)',
    expects: ['absent'],
  },
];
