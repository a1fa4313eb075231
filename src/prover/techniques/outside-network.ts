/** The network from inside: what there is, what it leads to, and whether it can be changed. */
import type { Technique } from '../types.ts';

const head = { vector: 'outside', control: 'network-namespace' } as const;

const own = 'it is the network of its kernel, which has nothing but lo';

const unreachable = [
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EACCES',
  'EPERM',
  'ECONNREFUSED',
  'EADDRNOTAVAIL',
] as const;

const connecting = `
def connect(address, port, kind=socket.SOCK_STREAM):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    end = socket.socket(family, kind)
    end.settimeout(2)
    try:
        end.connect((address, port))
        if kind == socket.SOCK_DGRAM:
            end.send(b"")
    except TimeoutError:
        escaped("packets to " + address + " leave, though nothing answers")
`;

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
    program: `${connecting}
first_refusal([("connected to " + address, lambda address=address, port=port: connect(address, port)) for address, port in ${JSON.stringify(targets)}])
`,
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
    'reach the internet (addresses that belong to nobody)',
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
    program: `${connecting}
first_refusal([("sent to " + address, lambda address=address, port=port: connect(address, port, socket.SOCK_DGRAM))
               for address, port in (("192.0.2.1", 53), ("2001:db8::1", 53), ("224.0.0.251", 5353), ("255.255.255.255", 9))])
`,
  },
  {
    ...head,
    name: 'resolve-names',
    title: 'exfiltrate by asking for names',
    reference: 'resolver(3)',
    expects: ['absent'],
    program: `
try:
    answers = socket.getaddrinfo("ward-prove.invalid.example.com", 80)
except OSError as error:
    # -2 (no such name) would be the answer of a server.
    if error.errno == -2 and b"nameserver" in (read("/etc/resolv.conf") if os.path.exists("/etc/resolv.conf") else b""):
        escaped("a server has answered")
    blocked("absent", str(error.strerror))
escaped("resolved to " + str(answers[0][4]))
`,
  },
  {
    ...head,
    name: 'interfaces',
    title: 'find a network device other than lo',
    reference: 'netdevice(7)',
    expects: ['absent', 'EPERM'],
    program: `
try:
    names = [name for _, name in socket.if_nameindex()]
except OSError as error:
    blocked(error)
# Tunnels that the kernel gives to every namespace, and which are down.
template = ("lo", "sit0", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0")
others = [name for name in names if name not in template]
if others:
    escaped(", ".join(others))
blocked("absent", ", ".join(names))
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'interface-change',
    title: 'change a network device',
    reference: 'netdevice(7), SIOCSIFFLAGS',
    expects: ['EPERM', 'ENOTTY'],
    program: `
SIOCSIFFLAGS, SIOCSIFADDR, SIOCBRADDBR, SIOCADDRT = 0x8914, 0x8916, 0x89a0, 0x890b
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
request = struct.pack("16sH22x", b"lo", 0x49)
first_refusal([("flags of lo are set", lambda: syscall("ioctl", end.fileno(), SIOCSIFFLAGS, request)),
               ("an address of lo is set", lambda: syscall("ioctl", end.fileno(), SIOCSIFADDR, request)),
               ("a bridge is made", lambda: syscall("ioctl", end.fileno(), SIOCBRADDBR, b"ward-prove")),
               ("a route is made", lambda: syscall("ioctl", end.fileno(), SIOCADDRT, bytes(120)))])
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'interface-create',
    title: 'make a network device by netlink',
    reference: 'rtnetlink(7), RTM_NEWLINK',
    expects: ['EPERM', 'EACCES', 'EOPNOTSUPP'],
    harmlessInGvisor: own,
    program: `
RTM_NEWLINK, REQUEST_ACK_CREATE_EXCL = 16, 0x605
def make():
    end = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    name, kind = struct.pack("HH", 15, 3) + b"ward-prove" + bytes(2), struct.pack("HHHH", 12, 18, 8, 1) + b"veth"
    body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + name + kind
    end.send(struct.pack("IHHII", 16 + len(body), RTM_NEWLINK, REQUEST_ACK_CREATE_EXCL, 1, 0) + body)
    code = struct.unpack_from("i", end.recv(4096), 16)[0]
    if code < 0:
        raise OSError(-code, os.strerror(-code))
refused(make, "a network device was made")
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'filter-table',
    title: 'replace the table of the packet filter',
    reference: 'CVE-2021-22555, CVE-2016-4997',
    expects: ['EPERM', 'ENOPROTOOPT'],
    harmlessInGvisor: 'it is a table of its kernel’s own network',
    program: `
IPT_SO_SET_REPLACE = 64
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
let_through(lambda: end.setsockopt(socket.IPPROTO_IP, IPT_SO_SET_REPLACE, bytes(8)), ["EINVAL", "EFAULT", "ENOMEM"], "tables may be replaced")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'socket-filter',
    title: 'have the kernel compile a filter of one’s own to machine code',
    reference: 'socket(7) SO_ATTACH_FILTER, CVE-2024-2201 (Native BHI)',
    expects: ['EPERM'],
    harmlessInGvisor: 'it is a filter of its kernel, which compiles nothing',
    program: `
SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF, RETURN_ALL = 26, 51, 0xffffffff
code = buffer(struct.pack("HBBI", 6, 0, 0, RETURN_ALL))
program = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
first_refusal([("a filter is attached", lambda: end.setsockopt(1, SO_ATTACH_FILTER, program)),
               ("a filter of a group of sockets is attached", lambda: end.setsockopt(1, SO_ATTACH_REUSEPORT_CBPF, program))])
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'socket-options',
    title: 'mark packets, take addresses of others, and go past buffer limits',
    reference: 'socket(7) SO_MARK, ip(7) IP_TRANSPARENT',
    expects: ['EPERM', 'EACCES'],
    harmlessInGvisor: own,
    program: `
SO_MARK, SO_RCVBUFFORCE, SO_SNDBUFFORCE, IP_TRANSPARENT, TCP_REPAIR = 36, 33, 32, 19, 19
end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
first_refusal([(name + " is set", lambda level=level, option=option: end.setsockopt(level, option, 1))
               for name, level, option in (("SO_MARK", 1, SO_MARK), ("SO_RCVBUFFORCE", 1, SO_RCVBUFFORCE), ("SO_SNDBUFFORCE", 1, SO_SNDBUFFORCE),
                                           ("IP_TRANSPARENT", 0, IP_TRANSPARENT), ("TCP_REPAIR", 6, TCP_REPAIR))])
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'low-port',
    title: 'listen on a port that belongs to the system',
    reference: 'ip(7), ip_unprivileged_port_start',
    expects: ['EACCES', 'EPERM'],
    harmlessInGvisor: own,
    program: `
def listen():
    end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    end.bind(("127.0.0.1", 80))
refused(listen, "listens on port 80")
`,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'network-settings',
    title: 'read where the host’s servers are',
    reference: 'resolv.conf(5), hosts(5)',
    expects: ['absent'],
    program: `
def look(path):
    lines = [line for line in read(path).decode().split(chr(10)) if line.strip() and not line.startswith("#")]
    told = [line for line in lines if not line.startswith(("127.", "::1", "fe00::", "ff0", "options"))]
    if told:
        escaped(path + ": " + told[0])
for path in ("/etc/resolv.conf", "/etc/hosts"):
    attempt(lambda: look(path))
blocked("absent", "nothing but the sandbox itself")
`,
  },
];
