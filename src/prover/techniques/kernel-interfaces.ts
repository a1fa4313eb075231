/** Large interfaces of the kernel in which most of its privilege escalations have been found. */
import { kernelSince, withoutOption } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

export const interfaceTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'bpf-map',
    title: 'make a BPF map',
    reference: 'bpf(2), CVE-2021-3490',
    expects: ['killed', 'EPERM'],
    program: `
BPF_MAP_CREATE, ARRAY = 0, 2
attributes = struct.pack("IIIII", ARRAY, 4, 8, 1, 0) + bytes(100)
refused(lambda: syscall("bpf", BPF_MAP_CREATE, attributes, 72), "a map is made")
`,
  },
  {
    ...head,
    name: 'bpf-program',
    title: 'load a BPF program into the kernel',
    reference: 'bpf(2), CVE-2020-8835, CVE-2022-23222',
    expects: ['killed', 'EPERM'],
    program: `
BPF_PROG_LOAD, SOCKET_FILTER = 5, 1
# r0 = 0; exit
code = buffer(bytes.fromhex("b700000000000000" "9500000000000000"))
licence = buffer(b"GPL")
attributes = struct.pack("IIQQIIQII", SOCKET_FILTER, 2, ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0, 0, 0) + bytes(100)
refused(lambda: syscall("bpf", BPF_PROG_LOAD, attributes, 48), "a program is in the kernel")
`,
  },
  {
    ...head,
    name: 'perf-event',
    title: 'open a performance counter',
    reference: 'perf_event_open(2), CVE-2013-2094',
    expects: ['killed', 'EPERM', 'EACCES', 'ENOSYS'],
    program: `
# Type software, size 128, event context switches; not of the kernel, not of a hypervisor.
attributes = struct.pack("IIQQQQQ", 1, 128, 3, 0, 0, 0, 1 << 5 | 1 << 6) + bytes(80)
refused(lambda: syscall("perf_event_open", attributes, 0, -1, -1, 0), "a counter is open")
`,
  },
  {
    ...head,
    name: 'userfaultfd',
    title: 'handle page faults oneself, which holds the kernel at any point',
    reference: 'userfaultfd(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
UFFD_USER_MODE_ONLY = 1
refused(lambda: syscall("userfaultfd", UFFD_USER_MODE_ONLY), "a descriptor of page faults is open")
`,
  },
  {
    ...head,
    name: 'io-uring-setup',
    title: 'make a ring of calls that no filter sees',
    reference: 'io_uring_setup(2), CVE-2022-29582, CVE-2023-2598',
    expects: ['ENOSYS', 'EPERM'],
    program: `
refused(lambda: syscall("io_uring_setup", 1, buffer(120)), "a ring is made")
`,
  },
  {
    ...head,
    name: 'io-uring-enter',
    title: 'hand calls to a ring',
    reference: 'io_uring_enter(2)',
    expects: ['ENOSYS', 'EPERM'],
    program: `
let_through(lambda: syscall("io_uring_enter", 0, 0, 0, 0, None, 0), ["EBADF", "EOPNOTSUPP", "ENXIO"], "io_uring_enter is let through")
`,
  },
  {
    ...head,
    name: 'io-uring-register',
    title: 'register with a ring',
    reference: 'io_uring_register(2)',
    expects: ['ENOSYS', 'EPERM'],
    program: `
let_through(lambda: syscall("io_uring_register", 0, 0, None, 0), ["EBADF", "EOPNOTSUPP", "EINVAL"], "io_uring_register is let through")
`,
  },
  {
    ...head,
    name: 'keyring-add',
    title: 'keep a key in the kernel',
    reference: 'add_key(2), CVE-2016-0728',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
KEY_SPEC_PROCESS_KEYRING = -2
refused(lambda: syscall("add_key", "user", "ward-prove", b"key", 3, KEY_SPEC_PROCESS_KEYRING), "a key is kept")
`,
  },
  {
    ...head,
    name: 'keyring-join',
    title: 'join a session’s keyring',
    reference: 'keyctl(2), KEYCTL_JOIN_SESSION_KEYRING',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
first_refusal([("a session keyring is joined", lambda: syscall("keyctl", 1, None))])
`,
  },
  {
    ...head,
    name: 'keyring-request',
    title: 'have the host look for a key',
    reference: 'request_key(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("request_key", "user", "ward-prove", None, 0), ["ENOKEY"], "keyrings are searched")
`,
  },
  {
    ...head,
    name: 'handle-name',
    title: 'get a file’s handle, from which others can be guessed',
    reference: 'name_to_handle_at(2)',
    expects: ['EPERM'],
    program: `
handle, mount = buffer(struct.pack("Ii", 128, 0) + bytes(128)), buffer(4)
let_through(lambda: syscall("name_to_handle_at", -100, "/tmp", handle, mount, 0), ["EOPNOTSUPP"], "name_to_handle_at is let through")
`,
  },
  {
    ...head,
    name: 'handle-open',
    title: 'open a file of the host by a guessed handle',
    reference: 'open_by_handle_at(2), CVE-2014-3519',
    expects: ['killed', 'EPERM'],
    program: `
# Inode 2 is the root of many file systems.
handle = struct.pack("IiII", 8, 1, 2, 0)
folder = os.open("/", os.O_RDONLY)
let_through(lambda: syscall("open_by_handle_at", folder, handle, os.O_RDONLY), ["ESTALE", "EOPNOTSUPP"], "handles may be opened")
`,
  },
  {
    ...head,
    name: 'fanotify',
    title: 'watch what is opened, by whomever',
    reference: 'fanotify_init(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
FAN_CLASS_NOTIF, FAN_REPORT_FID = 0, 0x200
refused(lambda: syscall("fanotify_init", FAN_CLASS_NOTIF | FAN_REPORT_FID, 0), "a group of watches is open")
`,
  },
  {
    ...head,
    name: 'quotactl',
    title: 'steer disk quotas',
    reference: 'quotactl(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
# Q_SYNC without a device: writes back what is changed already.
refused(lambda: syscall("quotactl", 0x800001 << 8, None, 0, None), "Q_SYNC is let through")
`,
  },
  {
    ...head,
    name: 'quotactl-fd',
    title: 'steer disk quotas by a descriptor',
    reference: 'quotactl_fd(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("quotactl_fd", -1, 0x800001 << 8, 0, None), ["EBADF"], "quotactl_fd is let through")
`,
  },
  {
    ...head,
    name: 'lookup-dcookie',
    cannotFail: kernelSince('6.8'),
    title: 'ask for the path behind a cookie of the profiler',
    reference: 'lookup_dcookie(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("lookup_dcookie", 1, buffer(64), 64), ["EINVAL"], "lookup_dcookie is let through")
`,
  },
  {
    ...head,
    name: 'uselib',
    cannotFail: withoutOption('CONFIG_USELIB'),
    title: 'load a library the oldest way',
    reference: 'uselib(2), CVE-2004-1235',
    expects: ['EPERM', 'ENOSYS', 'absent'],
    program: `
let_through(lambda: syscall("uselib", "/no-such-library"), ["ENOENT"], "uselib is let through")
`,
  },
  {
    ...head,
    name: 'sysfs-call',
    title: 'list the kernel’s file systems by a forgotten call',
    reference: 'sysfs(2)',
    expects: ['EPERM', 'ENOSYS', 'absent'],
    program: `
refused(lambda: syscall("sysfs", 3), "the kernel counts its file systems")
`,
  },
  {
    ...head,
    name: 'lsm-attribute',
    title: 'change one’s own security label',
    reference: 'lsm_set_self_attr(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("lsm_set_self_attr", 100, b"", 0, 0), ["EINVAL", "EFAULT", "EOPNOTSUPP"], "lsm_set_self_attr is let through")
`,
  },
];
