/**
 * Attacks on the machine's other users: what the kernel keeps for sockets. Control groups count some of it beside the
 * memory, and some not at all.
 */
import type { Technique } from '../types.ts';

const head = { vector: 'neighbours', control: 'memory-limit' } as const;
const reaches = 'memory';
const counted = 'it is memory of its kernel, which is counted';

/** Counts what the kernel has taken, and stops shortly past the limit. */
const held = `
held, kept = 0, []
def hold(size):
    global held
    held += size
    if held > facts["memoryBytes"] * 1.25:
        escaped("%d MiB are in buffers of sockets, at a limit of %d MiB" % (held >> 20, facts["memoryBytes"] >> 20))
`;

export const socketStarvation: readonly Technique[] = [
  {
    ...head,
    reaches,
    name: 'memory-tcp',
    title: 'hold memory in connections of TCP that nobody reads',
    reference: 'tcp(7), memory.kmem.tcp.limit_in_bytes',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
    program: `${held}
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
try:
    for _ in range(256):
        one = socket.create_connection(listener.getsockname())
        kept += [one, listener.accept()[0]]
        one.setblocking(False)
        try:
            while True:
                hold(one.send(bytes(1 << 16)))
        except BlockingIOError:
            pass
except OSError as error:
    blocked(error, "%d MiB in %d sockets" % (held >> 20, len(kept)))
blocked("limit", "%d MiB in %d sockets" % (held >> 20, len(kept)))
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-udp',
    title: 'hold memory in datagrams that nobody reads',
    reference: 'udp(7), SO_RCVBUF',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
    program: `${held}
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    for _ in range(1000):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.bind(("127.0.0.1", 0))
        kept.append(one)
        for _ in range(24):
            sender.sendto(bytes(8192), one.getsockname())
except OSError as error:
    blocked(error)
# Sent data may have been dropped: the program counts what arrived by reading a byte of each.
for one in kept:
    one.setblocking(False)
    try:
        while True:
            one.recv(1)
            hold(8192)
    except BlockingIOError:
        pass
blocked("limit", "%d MiB in %d sockets" % (held >> 20, len(kept)))
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-tcp-unaccepted',
    title: 'hold memory in connections of TCP that nobody accepts, and whose other end is closed',
    reference: 'tcp(7), listen(2), net.core.somaxconn',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
    program: `${held}
waiting = 0
def connected(place):
    end = socket.socket()
    end.settimeout(0.02)
    try:
        end.connect(place)
    except TimeoutError:
        end.close()
        return None
    end.setblocking(False)
    return end
try:
    for _ in range(1000):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1 << 16)
        kept.append(listener)
        while (end := connected(listener.getsockname())) is not None:
            waiting += 1
            try:
                while True:
                    hold(end.send(bytes(1 << 16)))
            except BlockingIOError:
                end.close()
except OSError as error:
    blocked(error, "%d MiB in %d connections" % (held >> 20, waiting))
blocked("limit", "%d MiB in %d connections" % (held >> 20, waiting))
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-netlink',
    title: 'hold memory in replies of netlink that nobody reads',
    reference: 'netlink(7), RTM_GETLINK, SO_MEMINFO',
    expects: ['limit', 'killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    harmlessInGvisor: counted,
    program: `${held}
SO_MEMINFO, RTM_GETLINK, NLM_F_REQUEST, NLM_F_DUMP = 55, 18, 1, 0x300
question = struct.pack("IHHII", 20, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + bytes(4)
def queued(end):
    try:
        return struct.unpack("I", end.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36)[:4])[0]
    except OSError as error:
        if error.errno == errno.ENOPROTOOPT:
            return 0
        raise
try:
    for _ in range(1000):
        end = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        end.setblocking(False)
        kept.append(end)
        before, now = -1, 0
        while now > before:
            for _ in range(8):
                attempt(lambda: end.send(question))
            before, now = now, queued(end)
        hold(now)
except OSError as error:
    blocked(error, "%d MiB in %d sockets" % (held >> 20, len(kept)))
blocked("limit", "%d MiB in %d sockets" % (held >> 20, len(kept)))
`,
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
    program: `${held}
IP_RECVERR, MSG_ERRQUEUE = 11, 0x2000
closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
closed.bind(("127.0.0.1", 0))
place = closed.getsockname()
closed.close()
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
one.setblocking(False)
one.connect(place)
for _ in range(8):
    attempt(lambda: one.send(b"x"))
if attempt(lambda: one.recvmsg(1, 512, MSG_ERRQUEUE)) == "ok":
    escaped("errors are kept in a queue, of each socket as much as its buffer holds")
blocked("limit", "the option seems to be set, and no error is kept")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'flow-labels',
    title: 'use up the flow labels of the machine, of which there are 4,096 for all',
    reference: 'ipv6(7), IPV6_FLOWLABEL_MGR; RFC 6437',
    expects: ['EPERM', 'ENOPROTOOPT'],
    harmlessInGvisor: 'its kernel keeps none',
    program: `
IPV6_FLOWLABEL_MGR, GET, EXCLUSIVE, CREATE = 32, 0, 1, 1
def lease(label):
    end = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    wanted = socket.inet_pton(socket.AF_INET6, "::1") + struct.pack("!I", label) + struct.pack("BBHHHI", GET, EXCLUSIVE, CREATE, 6, 6, 0)
    end.setsockopt(socket.IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, wanted)
let_through(lambda: lease(0x12345), ["EINVAL", "ENOBUFS", "EEXIST", "ENOENT"], "a flow label is leased")
`,
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
    program: `
IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_GROUP = 39, 42
four, six = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
group, loopback = socket.inet_aton("239.1.2.3"), socket.inet_aton("127.0.0.1")
request = struct.pack("Ixxxx", 1) + struct.pack("HH", 2, 0) + group + bytes(120)
first_refusal([("a group of IPv4 is joined", lambda: four.setsockopt(0, socket.IP_ADD_MEMBERSHIP, group + loopback)),
               ("a group of IPv4 for one source is joined", lambda: four.setsockopt(0, IP_ADD_SOURCE_MEMBERSHIP, group + loopback + loopback)),
               ("a group of IPv4 is joined by the newer way", lambda: four.setsockopt(0, MCAST_JOIN_GROUP, request)),
               ("a group of IPv6 is joined", lambda: six.setsockopt(41, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::1234") + struct.pack("I", 1)))])
`,
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'unix-in-flight',
    title: 'leave descriptors in sockets that nobody reads, for the kernel’s own thread to sort out',
    reference: 'unix(7) ETOOMANYREFS, CVE-2024-26923',
    expects: ['ETOOMANYREFS', 'limit'],
    harmlessInGvisor: counted,
    program: `
import array
most = facts["rlimits"]["RLIMIT_NOFILE"]
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.setblocking(False)
sent = 0
try:
    while sent <= 2 * most:
        one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [other.fileno()] * 250))])
        sent += 250
        if sent % 2500 == 0:
            one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            kept = [one, other]
            one.setblocking(False)
except BlockingIOError:
    blocked("limit", "%d descriptors wait" % sent)
except OSError as error:
    blocked(error, "%d descriptors wait, %d may be open" % (sent, most))
escaped("%d descriptors wait, %d may be open" % (sent, most))
`,
  },
];
