/** Attacks on the machine's other users: processes, threads and processor time. Each stops shortly past its limit. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'neighbours' } as const;

export const processStarvation: readonly Technique[] = [
  {
    ...head,
    name: 'fork-bomb',
    title: 'make processes until there are no more to be had',
    reference: 'fork(2), Documentation/admin-guide/cgroup-v2.rst (pids)',
    control: 'pids-limit',
    // gVisor's own processes and memory come first.
    expects: ['EAGAIN', 'killed'],
    reaches: 'processes',
    endsGvisor: true,
    program: `
children = []
try:
    while len(children) <= facts["pidsLimit"]:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
except OSError as error:
    for child in children: os.kill(child, 9)
    blocked(error, "after %d processes" % len(children))
for child in children: os.kill(child, 9)
escaped("%d processes" % len(children))
`,
  },
  {
    ...head,
    name: 'thread-bomb',
    title: 'make threads until there are no more to be had',
    reference: 'pthread_create(3), clone(2)',
    control: 'pids-limit',
    expects: ['EAGAIN'],
    harmlessInGvisor: 'threads of its kernel that wait hold no thread of the host',
    reaches: 'processes',
    endsGvisor: true,
    program: `
import _thread
_thread.stack_size(65536)
started = 0
try:
    while started <= facts["pidsLimit"]:
        _thread.start_new_thread(time.sleep, (60,))
        started += 1
except RuntimeError:
    blocked("EAGAIN", "after %d threads" % started)
escaped("%d threads" % started)
`,
  },
  {
    ...head,
    name: 'zombie-bomb',
    title: 'keep ended processes, each of which holds a number',
    reference: 'wait(2)',
    control: 'pids-limit',
    expects: ['EAGAIN'],
    harmlessInGvisor: 'they are numbers of its kernel, and hold nothing on the host but counted memory',
    reaches: 'processes',
    endsGvisor: true,
    program: `
children = 0
try:
    while children <= facts["pidsLimit"]:
        if os.fork() == 0:
            os._exit(0)
        children += 1
except OSError as error:
    blocked(error, "after %d" % children)
escaped("%d ended processes" % children)
`,
  },
  {
    ...head,
    name: 'cpu-spin',
    title: 'use more processor time than the policy gives, in several processes',
    reference: 'Documentation/scheduler/sched-bwc.rst',
    control: 'cpu-limit',
    expects: ['limit'],
    harmlessInGvisor: 'its kernel looks now and then who runs; cpu-spin-counted has what the host counts',
    reaches: 'processors',
    program: `
# The quota holds for periods of 100 ms: a second is ten of them, and the first may already have begun.
wall, spinners = 1.0, int(facts["cpus"] * 1.5) + 2
end = time.monotonic() + wall
for _ in range(spinners):
    if os.fork() == 0:
        while time.monotonic() < end:
            pass
        os._exit(0)
for _ in range(spinners):
    os.wait()
took = time.monotonic() - end + wall
used = sum(os.times()[2:4])
told = "%.2f s of processor time in %.2f s" % (used, took)
if used > facts["cpus"] * (took + 0.2) * 1.25:
    escaped(told)
blocked("limit", told)
`,
  },
  {
    ...head,
    name: 'cpu-spin-counted',
    title: 'the same, by what the host counts',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (cpu)',
    control: 'cpu-limit',
    expects: ['limit'],
    reaches: 'processors',
    run: spinCounted,
  },
  {
    ...head,
    name: 'cpu-pin',
    title: 'settle on one processor, beside others that run there',
    reference: 'sched_setaffinity(2)',
    control: 'seccomp',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel keeps the set and schedules nothing by it',
    program: `
mask = buffer(128)
mask[0] = 1
refused(lambda: syscall("sched_setaffinity", 0, 128, mask), "bound to the first processor")
`,
  },
  {
    ...head,
    name: 'rlimit-raise',
    title: 'raise one’s own limits',
    reference: 'setrlimit(2)',
    control: 'resource-limits',
    expects: ['EPERM', 'EINVAL'],
    program: `
import resource
raised = []
for name, value in sorted(facts["rlimits"].items()):
    kind = 10 if name == "RLIMIT_LOCKS" else getattr(resource, name)
    if resource.getrlimit(kind)[1] > value or resource.getrlimit(kind)[1] == -1:
        escaped(name + " is " + str(resource.getrlimit(kind)[1]) + ", and not " + str(value))
    try:
        resource.setrlimit(kind, (value, value + 1))
        raised.append(name)
    except (OSError, ValueError):
        pass
if raised:
    escaped("raised: " + ", ".join(raised))
blocked("EPERM", "%d limits, and none can be raised" % len(facts["rlimits"]))
`,
  },
  {
    ...head,
    name: 'timer-flood',
    title: 'keep timers that the kernel must serve',
    reference: 'timer_create(2)',
    control: 'seccomp',
    expects: ['ENOSYS', 'EPERM', 'EAGAIN'],
    harmlessInGvisor: 'they are timers of its kernel, whose memory is counted',
    program: `
# struct sigevent: value, signal, SIGEV_NONE
event, timer = struct.pack("qii", 0, 0, 1) + bytes(48), buffer(8)
def make():
    for _ in range(facts["rlimits"].get("RLIMIT_SIGPENDING", 256) + 16):
        syscall("timer_create", 1, event, timer)
refused(make, "as many timers as one likes")
`,
  },
  {
    ...head,
    name: 'signal-flood',
    title: 'keep signals that nobody takes',
    reference: 'signal(7), RLIMIT_SIGPENDING',
    control: 'resource-limits',
    expects: ['limit', 'EAGAIN'],
    harmlessInGvisor: 'they are signals of its kernel, whose memory is counted',
    program: `
number = signal.SIGRTMIN + 1
signal.pthread_sigmask(signal.SIG_BLOCK, [number])
most = facts["rlimits"]["RLIMIT_SIGPENDING"]
try:
    for _ in range(most + 64):
        os.kill(os.getpid(), number)
except OSError as error:
    blocked(error)
kept = 0
while signal.sigtimedwait([number], 0) is not None:
    kept += 1
# One more is noted as a bit, without a place in the queue.
if kept > most + 1:
    escaped("%d signals wait, %d may" % (kept, most))
blocked("limit", "%d signals of %d waited" % (kept, most + 64))
`,
  },
];

const spin = `
for _ in range(int(facts["cpus"] * 1.5) + 2):
    if os.fork() == 0:
        while True:
            pass
os.write(1, b"spinning" + bytes([10]))
time.sleep(60)
`;

/** From the first word of the program, so that its start doesn't count. */
async function spinCounted({ start, policy: { cpus } }: HostContext): Promise<AttackAnswer> {
  await using sandbox = await start(spin);
  await once(sandbox.stdout, 'data');
  const [before, startedAt] = [await sandbox.usage(), performance.now()];
  await delay(1000);
  const [after, seconds] = [await sandbox.usage(), (performance.now() - startedAt) / 1000];
  const used = (after.cpuUsec - before.cpuUsec) / 1e6;
  const detail = `${used.toFixed(2)} s of processor time in ${seconds.toFixed(2)} s`;
  if (used > cpus * (seconds + 0.2) * 1.25) return { outcome: 'ESCAPED', detail };
  return { outcome: 'BLOCKED', answer: 'limit', detail };
}
