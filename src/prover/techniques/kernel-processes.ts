/** Other processes: to look into them, to steer them, and to take what they have open. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

export const processTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'ptrace-self',
    title: 'ask to be traced',
    reference: 'ptrace(2), PTRACE_TRACEME',
    expects: ['killed', 'EPERM'],
    harmlessInGvisor: 'only processes of the same sandbox exist for its kernel',
    program: `
first_refusal([("PTRACE_TRACEME is let through", lambda: syscall("ptrace", 0, 0, 0, 0))])
`,
  },
  {
    ...head,
    name: 'ptrace-child',
    title: 'trace a child',
    reference: 'ptrace(2), PTRACE_SEIZE',
    expects: ['killed', 'EPERM'],
    harmlessInGvisor: 'only processes of the same sandbox exist for its kernel',
    program: `
child = os.fork()
if child == 0:
    signal.pause()
PTRACE_SEIZE = 0x4206
refused(lambda: syscall("ptrace", PTRACE_SEIZE, child, 0, 0), "a child is traced")
`,
  },
  {
    ...head,
    name: 'ptrace-parent',
    title: 'trace process 1 from a child of it',
    reference: 'ptrace(2), PTRACE_ATTACH',
    expects: ['killed', 'EPERM'],
    program: `
PTRACE_SEIZE = 0x4206
first_refusal([("a child traces process 1", lambda: syscall("ptrace", PTRACE_SEIZE, 1, 0, 0))])
`,
  },
  {
    ...head,
    name: 'process-vm-readv',
    title: 'read the memory of another process',
    reference: 'process_vm_readv(2)',
    expects: ['EPERM'],
    program: `
memory, copy = buffer(b"ward"), buffer(5)
here = struct.pack("PN", ctypes.addressof(copy), 4)
there = struct.pack("PN", ctypes.addressof(memory), 4)
first_refusal([("a child has read memory of process 1", lambda: syscall("process_vm_readv", 1, here, 1, there, 1, 0))])
`,
  },
  {
    ...head,
    name: 'process-vm-writev',
    title: 'write to the memory of another process',
    reference: 'process_vm_writev(2)',
    expects: ['killed', 'EPERM'],
    program: `
memory, copy = buffer(b"ward"), buffer(b"ward")
here = struct.pack("PN", ctypes.addressof(copy), 4)
there = struct.pack("PN", ctypes.addressof(memory), 4)
first_refusal([("a child has written to memory of process 1", lambda: syscall("process_vm_writev", 1, here, 1, there, 1, 0))])
`,
  },
  {
    ...head,
    name: 'pidfd-getfd',
    title: 'take an open file out of another process',
    reference: 'pidfd_getfd(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
first_refusal([("a child has taken descriptor 0 of process 1", lambda: syscall("pidfd_getfd", os.pidfd_open(1), 0, 0))])
`,
  },
  {
    ...head,
    name: 'kcmp',
    title: 'compare kernel objects of two processes, which tells their order in memory',
    reference: 'kcmp(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
KCMP_FILE = 0
refused(lambda: syscall("kcmp", 1, 1, KCMP_FILE, 0, 1), "descriptors are compared by their address in the kernel")
`,
  },
  {
    ...head,
    name: 'process-madvise',
    title: 'have the memory of another process paged out',
    reference: 'process_madvise(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
MADV_COLD = 20
memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
refused(lambda: syscall("process_madvise", os.pidfd_open(1), struct.pack("PN", start, 4096), 1, MADV_COLD, 0), "advice about the memory of process 1 is taken")
`,
  },
  {
    ...head,
    name: 'process-mrelease',
    title: 'have the memory of a dying process taken away',
    reference: 'process_mrelease(2)',
    expects: ['ENOSYS', 'EPERM'],
    program: `
let_through(lambda: syscall("process_mrelease", os.pidfd_open(1), 0), ["EINVAL"], "process_mrelease is let through")
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'priority-raise',
    title: 'raise one’s own priority',
    reference: 'setpriority(2)',
    expects: ['EACCES', 'EPERM'],
    harmlessInGvisor: 'its kernel keeps the number and schedules nothing by it',
    program: `
refused(lambda: os.setpriority(os.PRIO_PROCESS, 0, -1), "the priority is higher")
`,
  },
  {
    ...head,
    name: 'scheduler-realtime',
    title: 'run before everybody else',
    reference: 'sched_setscheduler(2), SCHED_FIFO',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel keeps the number and schedules nothing by it',
    program: `
SCHED_FIFO = 1
first_refusal([("in the real-time class", lambda: syscall("sched_setscheduler", 0, SCHED_FIFO, struct.pack("i", 1)))])
`,
  },
  {
    ...head,
    name: 'scheduler-deadline',
    title: 'reserve processor time',
    reference: 'sched_setattr(2), SCHED_DEADLINE',
    expects: ['EPERM'],
    program: `
SCHED_DEADLINE = 6
reserve = struct.pack("IIQiIQQQ", 48, SCHED_DEADLINE, 0, 0, 0, 100000, 10000000, 10000000)
first_refusal([("1 % of a processor is reserved", lambda: syscall("sched_setattr", 0, reserve, 0))])
`,
  },
  {
    ...head,
    name: 'io-priority',
    title: 'have one’s disk accesses served first',
    reference: 'ioprio_set(2)',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel keeps the number and schedules nothing by it',
    program: `
IOPRIO_WHO_PROCESS, BEST_EFFORT = 1, 2 << 13
refused(lambda: syscall("ioprio_set", IOPRIO_WHO_PROCESS, 0, BEST_EFFORT), "in the highest best-effort class")
`,
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'core-handler',
    title: 'crash, so that the host runs its handler of core dumps as root',
    reference: 'core(5), CVE-2015-1318, CVE-2025-5054',
    expects: ['limit'],
    harmlessInGvisor: 'its kernel dumps nothing',
    program: `
import resource
child = os.fork()
if child == 0:
    os.abort()
_, status = os.waitpid(child, 0)
if os.WCOREDUMP(status):
    escaped("memory was dumped")
limit = resource.getrlimit(resource.RLIMIT_CORE)
# At 0 no file is written, and a core_pattern with a pipe is run all the same.
if limit != (1, 1):
    escaped("RLIMIT_CORE is %d, where the kernel runs a handler, if the host has one" % limit[0])
blocked("limit", "RLIMIT_CORE is 1, at which the kernel runs no handler")
`,
  },
  {
    ...head,
    name: 'core-limit-lower',
    title: 'lower one’s limit of core dumps to 0, at which the host’s handler runs again',
    reference: 'core(5), setrlimit(2)',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel dumps nothing',
    program: `
RLIMIT_CORE, none = 4, struct.pack("QQ", 0, 0)
first_refusal([("lowered by setrlimit", lambda: syscall("setrlimit", RLIMIT_CORE, none)),
               ("lowered by prlimit", lambda: syscall("prlimit64", 0, RLIMIT_CORE, none, None)),
               ("lowered for process 1", lambda: syscall("prlimit64", 1, RLIMIT_CORE, none, None)),
               ("lowered behind high bits", lambda: syscall("prlimit64", 0, 1 << 32 | RLIMIT_CORE, none, None)),
               ("lowered behind high bits by setrlimit", lambda: syscall("setrlimit", 1 << 32 | RLIMIT_CORE, none))])
`,
  },
  {
    ...head,
    control: 'landlock',
    name: 'oom-score-lower',
    title: 'let others be killed first when memory is short',
    reference: 'proc_pid_oom_score_adj(5)',
    expects: ['EACCES', 'EPERM', 'ENOENT'],
    harmlessInGvisor: 'its kernel keeps the number, and the host’s never sees it',
    program: `
name = "/proc/self/oom_score_adj"
try:
    before = int(read(name))
except OSError as error:
    blocked(error)
def lower():
    descriptor = os.open(name, os.O_WRONLY)
    os.write(descriptor, str(before - 1).encode())
refused(lower, "oom_score_adj is " + str(before - 1))
`,
  },
];
