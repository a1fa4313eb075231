/** Attacks on the machine's other users: processes, threads and processor time. Each stops shortly past its limit. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'neighbours' } as const;

export const processStarvation: readonly Technique[] = [
  {
    ...head,
    name: 'fork-bomb',
    title: 'create processes until no more are available',
    reference: 'fork(2), Documentation/admin-guide/cgroup-v2.rst (pids)',
    control: 'pids-limit',
    // gVisor's own processes and memory come first.
    expects: ['EAGAIN', 'killed'],
    reaches: 'processes',
    endsGvisor: true,
  },
  {
    ...head,
    name: 'thread-bomb',
    title: 'create threads until no more are available',
    reference: 'pthread_create(3), clone(2)',
    control: 'pids-limit',
    expects: ['EAGAIN'],
    harmlessInGvisor: 'waiting threads of its kernel hold no host thread',
    reaches: 'processes',
    endsGvisor: true,
  },
  {
    ...head,
    name: 'zombie-bomb',
    title: 'keep ended processes, each of which holds a process id',
    reference: 'wait(2)',
    control: 'pids-limit',
    expects: ['EAGAIN'],
    harmlessInGvisor: 'they are ids in its kernel, and use only counted memory on the host',
    reaches: 'processes',
    endsGvisor: true,
  },
  {
    ...head,
    name: 'cpu-spin',
    title: 'use more processor time than the policy allows, in several processes',
    reference: 'Documentation/scheduler/sched-bwc.rst',
    control: 'cpu-limit',
    expects: ['limit'],
    harmlessInGvisor: 'its kernel only samples what runs; cpu-spin-counted measures what the host counts',
    reaches: 'processors',
  },
  {
    ...head,
    name: 'cpu-spin-counted',
    title: 'the same, measured by the host',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (cpu)',
    control: 'cpu-limit',
    expects: ['limit'],
    reaches: 'processors',
    run: spinCounted,
  },
  {
    ...head,
    name: 'cpu-pin',
    title: 'pin itself to one processor, beside others that run there',
    reference: 'sched_setaffinity(2)',
    control: 'seccomp',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel stores the set but does not schedule by it',
  },
  {
    ...head,
    name: 'rlimit-raise',
    title: 'raise its own limits',
    reference: 'setrlimit(2)',
    control: 'resource-limits',
    expects: ['EPERM', 'EINVAL'],
  },
  {
    ...head,
    name: 'timer-flood',
    title: 'keep timers that the kernel must serve',
    reference: 'timer_create(2)',
    control: 'seccomp',
    expects: ['ENOSYS', 'EPERM', 'EAGAIN'],
    harmlessInGvisor: 'the timers are in its kernel, whose memory is counted',
  },
  {
    ...head,
    name: 'signal-flood',
    title: 'queue signals that no one receives',
    reference: 'signal(7), RLIMIT_SIGPENDING',
    control: 'resource-limits',
    expects: ['limit', 'EAGAIN'],
    harmlessInGvisor: 'the signals are in its kernel, whose memory is counted',
  },
];

/** Measures from the first word of the program, so that its start doesn't count. */
async function spinCounted({ start, policy: { cpus } }: HostContext): Promise<AttackAnswer> {
  await using sandbox = await start(programText('neighbours/cpu-spin-counted'));
  await once(sandbox.stdout, 'data');
  const [before, startedAt] = [await sandbox.usage(), performance.now()];
  await delay(1000);
  const [after, seconds] = [await sandbox.usage(), (performance.now() - startedAt) / 1000];
  const used = (after.cpuUsec - before.cpuUsec) / 1e6;
  const detail = `${used.toFixed(2)} s of processor time in ${seconds.toFixed(2)} s`;
  if (used > cpus * (seconds + 0.2) * 1.25) return { outcome: 'ESCAPED', detail };
  return { outcome: 'BLOCKED', answer: 'limit', detail };
}
