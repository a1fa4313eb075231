/** The machine itself: its kernel, clock, swap and power. Calls are made so that they can't do what they ask for. */

import { uptime } from 'node:os';
import { withoutOption } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

export const machineTechniques: readonly Technique[] = [
  {
    ...head,
    control: 'time-namespace',
    name: 'host-uptime',
    title: 'learn how long the host has been up, by which it is known again and its restarts are seen',
    reference: 'time_namespaces(7), clock_gettime(2), sysinfo(2)',
    expects: ['absent'],
    run: async ({ run }) =>
      run(
        `
CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME = 1, 4, 7
info = buffer(256)
libc.sysinfo(info)
uptimes = {"sysinfo": struct.unpack_from("l", info.raw)[0]}
for name, clock in (("CLOCK_MONOTONIC", CLOCK_MONOTONIC), ("CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW), ("CLOCK_BOOTTIME", CLOCK_BOOTTIME)):
    uptimes[name] = time.clock_gettime(clock)
for name, seconds in uptimes.items():
    if abs(seconds - facts["hostUptime"]) < 3600:
        escaped(name + " tells it: %d s" % seconds)
blocked("absent", "%d clocks say something else" % len(uptimes))
`,
        { more: { hostUptime: uptime() } },
      ),
  },
  {
    ...head,
    name: 'module-init',
    cannotFail: withoutOption('CONFIG_MODULES'),
    title: 'load a module into the kernel',
    reference: 'init_module(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("init_module", b"", 0, ""), ["ENOEXEC", "EFAULT"], "modules may be loaded")
`,
  },
  {
    ...head,
    name: 'module-finit',
    cannotFail: withoutOption('CONFIG_MODULES'),
    title: 'load a module from a file',
    reference: 'finit_module(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("finit_module", -1, "", 0), ["EBADF", "EINVAL"], "modules may be loaded")
`,
  },
  {
    ...head,
    name: 'module-delete',
    cannotFail: withoutOption('CONFIG_MODULES'),
    title: 'unload a module',
    reference: 'delete_module(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("delete_module", "ward_prove_no_such_module", os.O_NONBLOCK), ["ENOENT"], "modules may be unloaded")
`,
  },
  {
    ...head,
    name: 'kexec-load',
    cannotFail: withoutOption('CONFIG_KEXEC'),
    title: 'have another kernel started',
    reference: 'kexec_load(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
no_such_flags = 0xfff0
let_through(lambda: syscall("kexec_load", 0, 0, None, no_such_flags), ["EINVAL"], "another kernel may be loaded")
`,
  },
  {
    ...head,
    name: 'kexec-file-load',
    cannotFail: withoutOption('CONFIG_KEXEC_FILE'),
    title: 'have another kernel started, from a file',
    reference: 'kexec_file_load(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
no_such_flags = 0xfff0
let_through(lambda: syscall("kexec_file_load", -1, -1, 0, "", no_such_flags), ["EINVAL", "EBADF"], "another kernel may be loaded")
`,
  },
  {
    ...head,
    name: 'reboot',
    title: 'restart the machine',
    reference: 'reboot(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
# Without the magic numbers nothing but the check of permission happens.
let_through(lambda: syscall("reboot", 0, 0, 0, None), ["EINVAL"], "a restart would be allowed")
`,
  },
  {
    ...head,
    name: 'swap-on',
    title: 'add swap space',
    reference: 'swapon(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("swapon", "/no-such-swap", 0), ["ENOENT"], "swap may be added")
`,
  },
  {
    ...head,
    name: 'swap-off',
    title: 'take swap space away',
    reference: 'swapoff(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("swapoff", "/no-such-swap"), ["ENOENT"], "swap may be taken away")
`,
  },
  {
    ...head,
    name: 'clock-settimeofday',
    title: 'set the clock',
    reference: 'settimeofday(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
# Without a time: the kernel checks who asks, and sets nothing.
refused(lambda: syscall("settimeofday", None, None), "the clock may be set")
`,
  },
  {
    ...head,
    name: 'clock-settime',
    title: 'set the clock to before the machine was started',
    reference: 'clock_settime(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
CLOCK_REALTIME = 0
let_through(lambda: syscall("clock_settime", CLOCK_REALTIME, struct.pack("qq", 0, 0)), ["EINVAL"], "the clock may be set")
`,
  },
  {
    ...head,
    name: 'clock-adjtimex',
    title: 'make the clock run faster or slower',
    reference: 'adjtimex(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
# What is set is what was read.
ADJ_FREQUENCY = 2
state = buffer(208)
def adjust():
    syscall("adjtimex", state)
    struct.pack_into("I", state, 0, ADJ_FREQUENCY)
    syscall("adjtimex", state)
refused(adjust, "the clock’s rate may be set")
`,
  },
  {
    ...head,
    name: 'clock-adjtime',
    title: 'adjust one of the clocks',
    reference: 'clock_adjtime(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
ADJ_FREQUENCY = 2
state = buffer(208)
def adjust():
    syscall("clock_adjtime", 0, state)
    struct.pack_into("I", state, 0, ADJ_FREQUENCY)
    syscall("clock_adjtime", 0, state)
refused(adjust, "the clock’s rate may be set")
`,
  },
  {
    ...head,
    name: 'accounting',
    title: 'have the kernel write down every process that ends',
    reference: 'acct(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `
let_through(lambda: syscall("acct", "/no-such-file"), ["ENOENT"], "accounting may be turned on")
`,
  },
  {
    ...head,
    name: 'kernel-log',
    title: 'read the kernel’s log',
    reference: 'syslog(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    harmlessInGvisor: 'it is a log that its kernel made up',
    program: `
SYSLOG_ACTION_READ_ALL = 3
text = buffer(4096)
refused(lambda: syscall("syslog", SYSLOG_ACTION_READ_ALL, text, 4096), "the kernel’s log can be read")
`,
  },
  {
    ...head,
    name: 'io-privilege',
    cannotFail: withoutOption('CONFIG_X86_IOPL_IOPERM'),
    title: 'get access to all I/O ports',
    reference: 'iopl(2)',
    expects: ['killed', 'EPERM', 'ENOSYS', 'absent'],
    program: `
refused(lambda: syscall("iopl", 3), "I/O privilege level 3")
`,
  },
  {
    ...head,
    name: 'io-ports',
    cannotFail: withoutOption('CONFIG_X86_IOPL_IOPERM'),
    title: 'get access to one I/O port',
    reference: 'ioperm(2)',
    expects: ['killed', 'EPERM', 'ENOSYS', 'absent'],
    program: `
refused(lambda: syscall("ioperm", 0x80, 1, 1), "port 0x80 may be used")
`,
  },
  {
    ...head,
    name: 'host-name',
    title: 'rename the machine',
    reference: 'sethostname(2)',
    expects: ['EPERM'],
    program: `
name = os.uname().nodename.encode()
refused(lambda: syscall("sethostname", name, len(name)), "the host name may be set")
`,
  },
  {
    ...head,
    name: 'domain-name',
    title: 'rename the machine’s domain',
    reference: 'setdomainname(2)',
    expects: ['EPERM'],
    program: `
name = read("/proc/sys/kernel/domainname").strip() if os.path.exists("/proc/sys/kernel/domainname") else b"(none)"
refused(lambda: syscall("setdomainname", name, len(name)), "the domain name may be set")
`,
  },
  {
    ...head,
    name: 'hang-up',
    title: 'hang up the terminal',
    reference: 'vhangup(2)',
    expects: ['EPERM'],
    program: `
refused(lambda: syscall("vhangup"), "vhangup is let through")
`,
  },
];
