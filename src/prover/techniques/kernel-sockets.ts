/** Parts of the kernel behind options and flags of sockets, futexes and threads, which no runtime asks for. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

const own = 'it is a socket of its kernel, whose network has nothing but lo';

/** Sets an option of a socket; `let_through` when what comes is an errno of the kernel's that comes after the filter. */
function option(
  name: string,
  title: string,
  reference: string,
  kind: 'SOCK_STREAM' | 'SOCK_DGRAM',
  options: readonly (readonly [label: string, level: number, option: number, value: string])[],
): Technique {
  const ways = options.map(
    ([label, level, number, value]) => `("${label}", lambda: end.setsockopt(${level}, ${number}, ${value}))`,
  );
  return {
    ...head,
    name,
    title,
    reference,
    expects: ['EPERM'],
    harmlessInGvisor: own,
    program: `
end = socket.socket(socket.AF_INET6, socket.${kind})
answers = []
for label, action in [${ways.join(', ')}]:
    answer = attempt(action)
    # Other errnos come from what is behind the filter: a bad value, a missing module, a full table.
    if answer not in ("EPERM", "EACCES"):
        escaped(label + " is let through: " + answer)
    answers.append(answer)
blocked(answers[0], "%d options" % len(answers))
`,
  };
}

export const socketOptionTechniques: readonly Technique[] = [
  option(
    'tcp-signatures',
    'have the kernel sign segments of TCP, with keys that it keeps',
    'tcp(7) TCP_MD5SIG, RFC 2385, RFC 5925',
    'SOCK_STREAM',
    [
      ['TCP_MD5SIG', 6, 14, 'bytes(216)'],
      ['TCP_MD5SIG_EXT', 6, 32, 'bytes(216)'],
      ['TCP_AO_ADD_KEY', 6, 38, 'bytes(8)'],
    ],
  ),
  option(
    'tcp-upper-protocols',
    'put another protocol on top of TCP in the kernel, by a module that it loads for it: kTLS, ESP in TCP, SMC',
    'Documentation/networking/tls.rst, CVE-2023-0461',
    'SOCK_STREAM',
    [
      ['TCP_ULP tls', 6, 31, 'b"tls"'],
      ['TCP_ULP espintcp', 6, 31, 'b"espintcp"'],
      ['TLS_TX', 282, 1, 'bytes(40)'],
      ['TCP_CONGESTION', 6, 13, 'b"ward-prove"'],
    ],
  ),
  option(
    'udp-encapsulation',
    'have the kernel take datagrams for packets of IPsec',
    'udp(7) UDP_ENCAP, RFC 3948',
    'SOCK_DGRAM',
    [['UDP_ENCAP', 17, 100, '2']],
  ),
  option(
    'udp-segmentation',
    'hand large blocks to the kernel to be cut into datagrams, and have them put together',
    'udp(7) UDP_SEGMENT, CVE-2017-1000112',
    'SOCK_DGRAM',
    [
      ['UDP_SEGMENT', 17, 103, '1200'],
      ['UDP_GRO', 17, 104, '1'],
      ['UDP_CORK', 17, 1, '1'],
    ],
  ),
  option(
    'ipv6-extension-headers',
    'have packets carry routing headers and options of IPv6',
    'ipv6(7), RFC 5095; CVE-2016-3841, CVE-2017-7542',
    'SOCK_DGRAM',
    [
      ['IPV6_RTHDR', 41, 57, 'bytes([0, 2, 4, 0]) + bytes(20)'],
      ['IPV6_HOPOPTS', 41, 54, 'bytes(8)'],
      ['IPV6_DSTOPTS', 41, 59, 'bytes(8)'],
      ['IPV6_ADDRFORM', 41, 1, '2'],
      ['IP_OPTIONS', 0, 4, 'bytes([1, 1, 1, 0])'],
    ],
  ),
  {
    ...head,
    name: 'tcp-zero-copy-receive',
    title: 'map pages that TCP has received, shared with who sent them',
    reference: 'Documentation/networking/msg_zerocopy.rst, TCP_ZEROCOPY_RECEIVE',
    expects: ['EPERM', 'ENOPROTOOPT'],
    harmlessInGvisor: own,
    program: `
TCP_ZEROCOPY_RECEIVE = 35
end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
let_through(lambda: end.getsockopt(socket.IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, 64), ["EINVAL", "ENOTCONN", "EFAULT", "EIO"], "TCP_ZEROCOPY_RECEIVE is let through")
`,
  },
  {
    ...head,
    name: 'unix-out-of-band',
    title: 'send a byte out of band between Unix sockets',
    reference: 'unix(7) MSG_OOB, CVE-2025-38236',
    expects: ['EPERM', 'EOPNOTSUPP'],
    program: `
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
first_refusal([("sent", lambda: one.send(b"x", socket.MSG_OOB)),
               ("sent by sendmsg", lambda: one.sendmsg([b"x"], [], socket.MSG_OOB)),
               ("sent behind high bits", lambda: syscall("sendto", one.fileno(), b"x", 1, 1 << 32 | socket.MSG_OOB, None, 0))])
`,
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'unix-out-of-band-receive',
    title: 'receive out of band, and look past the mark',
    reference: 'unix(7) MSG_OOB, CVE-2025-38236',
    expects: ['EPERM', 'EOPNOTSUPP', 'EINVAL'],
    program: `
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
other.setblocking(False)
let_through(lambda: other.recv(1, socket.MSG_OOB), ["EINVAL", "EAGAIN"], "MSG_OOB is let through")
`,
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'futex-priority',
    title: 'have the kernel lend priorities between threads that wait for a lock',
    reference: 'futex(2) FUTEX_LOCK_PI, CVE-2014-3153 (Towelroot), CVE-2021-3347',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'it is a lock of its kernel',
    program: `
word = buffer(8)
LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, LOCK_PI2, PRIVATE = 6, 7, 8, 11, 13, 128
first_refusal([("locked", lambda: syscall("futex", word, LOCK_PI | PRIVATE, 0, None, None, 0)),
               ("tried", lambda: syscall("futex", word, TRYLOCK_PI, 0, None, None, 0)),
               ("locked by the newer way", lambda: syscall("futex", word, LOCK_PI2 | PRIVATE, 0, None, None, 0)),
               ("locked behind high bits", lambda: syscall("futex", word, 1 << 32 | LOCK_PI, 0, None, None, 0))])
`,
  },
  {
    ...head,
    name: 'futex-requeue-priority',
    title: 'move waiting threads to a lock that lends priorities',
    reference: 'futex(2) FUTEX_CMP_REQUEUE_PI, CVE-2014-3153 (Towelroot)',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'it is a lock of its kernel',
    program: `
words = buffer(16)
CMP_REQUEUE_PI, PRIVATE = 12, 128
second = ctypes.c_void_p(ctypes.addressof(words) + 8)
let_through(lambda: syscall("futex", words, CMP_REQUEUE_PI | PRIVATE, 1, ctypes.c_void_p(1), second, 0), ["EINVAL", "EAGAIN"], "threads may be moved")
`,
  },
  {
    ...head,
    name: 'thread-features',
    title:
      'switch features of the processor for oneself: a fault at CPUID, tags in addresses, large registers',
    reference: 'arch_prctl(2), Documentation/arch/x86/xstate.rst',
    expects: ['EPERM', 'absent'],
    harmlessInGvisor: 'it is a register that its kernel emulates',
    program: `
ARCH_SET_GS, ARCH_SET_CPUID, ARCH_REQ_XCOMP_PERM, ARCH_ENABLE_TAGGED_ADDR, ARCH_SHSTK_STATUS = 0x1001, 0x1012, 0x1023, 0x4002, 0x5005
nr("arch_prctl")
answers = []
for code, value in ((ARCH_SET_CPUID, 1), (ARCH_REQ_XCOMP_PERM, 18), (ARCH_ENABLE_TAGGED_ADDR, 6), (ARCH_SET_GS, 0), (ARCH_SHSTK_STATUS, 0)):
    answers.append(attempt(lambda: syscall("arch_prctl", code, value)))
    # ENODEV, EINVAL, EOPNOTSUPP: this processor lacks it, and the kernel was asked.
    if answers[-1] != "EPERM":
        escaped("arch_prctl 0x%x is let through: %s" % (code, answers[-1]))
blocked(answers[0], "%d ways" % len(answers))
`,
  },
];
