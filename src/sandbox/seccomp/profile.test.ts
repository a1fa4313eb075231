import { expect, test } from 'vitest';
import { EINVAL, ENOSYS, strictProfile } from './profile.ts';

const allowed = (name: string) => strictProfile.allow.get(name);

test('at most 200 names, with those that only a Landlock launcher needs', () => {
  const names = new Set([...strictProfile.allow.keys(), ...strictProfile.landlockCalls]);
  expect(names.size).toBeLessThanOrEqual(200);
  expect(names.size).toBeGreaterThan(150);
});

test('arguments matter for these calls and no others', () => {
  const conditional = [...strictProfile.allow].filter(([, conditions]) => conditions.length > 0);
  expect(conditional.map(([name]) => name).sort()).toEqual([
    'arch_prctl',
    'clone',
    'fadvise64',
    'fcntl',
    'futex',
    'getsockopt',
    'ioctl',
    'madvise',
    'mmap',
    'prctl',
    'prlimit64',
    'recvfrom',
    'recvmmsg',
    'recvmsg',
    'sendmmsg',
    'sendmsg',
    'sendto',
    'setrlimit',
    'setsockopt',
    'socket',
    'socketpair',
  ]);
});

test('sockets: three families × two types × two flags, their own protocols, and one netlink protocol', () => {
  const [unix, inet] = [2 * 4, 2 * 2 * 4 * 2];
  expect(allowed('socket')).toHaveLength(unix + inet + 2);
  expect(allowed('socket')).toContainEqual([
    { index: 0, value: 10 },
    { index: 1, value: 0x80801 },
    { index: 2, value: 6 },
  ]);
  // SCTP, DCCP, UDP-Lite, MPTCP: the kernel would load a module for any user.
  for (const protocol of [132, 33, 136, 262, 1]) {
    expect(allowed('socket')?.some(([, , test]) => test?.value === protocol)).toBe(false);
  }
  // AF_ALG, AF_PACKET, AF_VSOCK, AF_RXRPC: page-cache and transport bugs live there.
  for (const family of [38, 17, 40, 33]) {
    expect(allowed('socket')?.some(([test]) => test?.value === family)).toBe(false);
  }
});

test('no argument reaches what belongs to the machine: huge pages, merged pages, its cache, its watches', () => {
  expect(allowed('mmap')).toEqual([[{ index: 3, mask: 0x4_0000, value: 0 }]]);
  const values = (name: string) => allowed(name)?.map(([test]) => test?.value);
  // MADV_MERGEABLE, MADV_HWPOISON, MADV_SOFT_OFFLINE
  for (const advice of [12, 100, 101]) expect(values('madvise')).not.toContain(advice);
  // POSIX_FADV_DONTNEED
  expect(values('fadvise64')).not.toContain(4);
  // SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF: code of the sandbox's choosing in the kernel.
  for (const option of [26, 50, 51]) expect(options('setsockopt', SOL_SOCKET)).not.toContain(option);
  // SO_RCVBUF: unaccepted connections would inherit it.
  expect(options('setsockopt', SOL_SOCKET)).not.toContain(8);
  // F_SETLEASE, F_NOTIFY
  for (const command of [1024, 1026]) expect(values('fcntl')).not.toContain(command);
  // The kernel also counts inotify instances on the host's root, whichever user in the namespace makes them.
  expect(strictProfile.refuse.get('inotify_init1')).toEqual({ errno: ENOSYS });
});

const options = (call: string, level: number) =>
  (allowed(call) ?? []).flatMap(([first, second]) => (first?.value === level ? [second?.value] : []));
const [SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6, SOL_NETLINK, SOL_TLS] = [
  1, 0, 6, 17, 41, 270, 282,
] as const;

test.each([
  ['TCP_MD5SIG', IPPROTO_TCP, 14],
  ['TCP_REPAIR', IPPROTO_TCP, 19],
  ['TCP_ULP, the door to kTLS', IPPROTO_TCP, 31],
  ['TCP_MD5SIG_EXT', IPPROTO_TCP, 32],
  ['TCP_AO_ADD_KEY', IPPROTO_TCP, 38],
  ['IP_OPTIONS', IPPROTO_IP, 4],
  ['IP_ADD_MEMBERSHIP', IPPROTO_IP, 35],
  ['IP_ADD_SOURCE_MEMBERSHIP', IPPROTO_IP, 39],
  ['MCAST_JOIN_GROUP', IPPROTO_IP, 42],
  ['IPT_SO_SET_REPLACE', IPPROTO_IP, 64],
  ['IPV6_JOIN_GROUP', IPPROTO_IPV6, 20],
  ['IPV6_FLOWLABEL_MGR', IPPROTO_IPV6, 32],
  ['IPV6_RTHDR', IPPROTO_IPV6, 57],
  ['SO_ZEROCOPY', SOL_SOCKET, 60],
])('the option %s of sockets can’t be set', (_, level, option) => {
  expect(options('setsockopt', level).length).toBeGreaterThan(5);
  expect(options('setsockopt', level)).not.toContain(option);
});

test('no options of UDP (UDP_ENCAP, UDP_SEGMENT), netlink and kTLS', () => {
  for (const level of [IPPROTO_UDP, SOL_NETLINK, SOL_TLS]) {
    for (const call of ['setsockopt', 'getsockopt']) expect(options(call, level)).toEqual([]);
  }
});

test('TCP_ZEROCOPY_RECEIVE can’t be queried, but other options can', () => {
  expect(allowed('getsockopt')?.at(-1)).toEqual([
    { index: 1, value: 6 },
    { index: 2, mask: 32, value: 0 },
  ]);
  expect(allowed('getsockopt')).toHaveLength(4);
});

test.each(['sendto', 'sendmsg', 'sendmmsg', 'recvfrom', 'recvmsg', 'recvmmsg'])(
  '%s without MSG_OOB',
  (call) => {
    const index = ['sendmsg', 'recvmsg'].includes(call) ? 2 : 3;
    expect(allowed(call)).toEqual([[{ index, mask: 1, value: 0 }]]);
  },
);

test('futexes that wait and wake, none that lends priorities; its own FS base and nothing else', () => {
  const operations = (allowed('futex') ?? []).map(([test]) => (test?.value ?? 0) & 127);
  // FUTEX_LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, CMP_REQUEUE_PI, LOCK_PI2
  for (const operation of [6, 7, 8, 11, 12, 13]) expect(operations).not.toContain(operation);
  expect(new Set(operations)).toEqual(new Set([0, 1, 3, 4, 5, 9, 10]));
  expect(allowed('arch_prctl')?.map(([test]) => test?.value)).toEqual([0x1002, 0x1003]);
});

test('error queues seem to be on, for libc’s resolver, and receive buffers seem to be set', () => {
  expect(strictProfile.answered).toEqual([
    {
      call: 'setsockopt',
      errno: 0,
      condition: [
        { index: 1, value: 0 },
        { index: 2, value: 11 },
      ],
    },
    {
      call: 'setsockopt',
      errno: 0,
      condition: [
        { index: 1, value: 41 },
        { index: 2, value: 25 },
      ],
    },
    {
      call: 'setsockopt',
      errno: 0,
      condition: [
        { index: 1, value: 1 },
        { index: 2, value: 8 },
      ],
    },
  ]);
});

test('every limit except that of core dumps can be lowered, and all can be read', () => {
  const RLIMIT_CORE = 4;
  const [read, ...change] = allowed('prlimit64') ?? [];
  expect(read).toEqual([{ index: 2, value: 0 }]);
  const limits = Array.from({ length: 16 }, (_, limit) => limit).filter((limit) => limit !== RLIMIT_CORE);
  expect(change).toEqual(limits.map((value) => [{ index: 1, value }]));
  expect(allowed('setrlimit')).toEqual(limits.map((value) => [{ index: 0, value }]));
});

test('clone can’t make a namespace', () => {
  expect(allowed('clone')).toEqual([[{ index: 0, mask: 0x7e02_0000, value: 0 }]]);
});

test('terminal input can’t be faked: TIOCSTI and TIOCLINUX are not among the ioctls', () => {
  const requests = allowed('ioctl')?.map(([test]) => test?.value);
  expect(requests).toContain(0x5401);
  expect(requests).not.toContain(0x5412);
  expect(requests).not.toContain(0x541c);
});

test.each(['clone3', 'io_uring_setup', 'openat2', 'execveat'])('libc falls back from %s', (name) => {
  expect(strictProfile.refuse.get(name)).toEqual({ errno: ENOSYS });
  expect(allowed(name)).toBeUndefined();
});

test('programs that copy with sendfile fall back to read and write when it refuses the files', () => {
  expect(allowed('sendfile')).toBeUndefined();
  expect(strictProfile.refuse.get('sendfile')).toEqual({ errno: EINVAL });
});

test.each([
  'bpf',
  'mount',
  'unshare',
  'setns',
  'ptrace',
  'kexec_load',
  'init_module',
  'keyctl',
  'userfaultfd',
])('%s ends the process', (name) => {
  expect(strictProfile.refuse.get(name)).toBe('kill');
  expect(allowed(name)).toBeUndefined();
});

test.each([
  'splice',
  'tee',
  'vmsplice',
  'memfd_create',
  'mknod',
  'chroot',
  'setuid',
  'process_vm_readv',
  'personality',
])('%s isn’t allowed', (name) => {
  expect(allowed(name)).toBeUndefined();
});
