/** A frozen sandbox: what still runs in it, and what happens at the thaw. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from '../../sandbox/index.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'neighbours', control: 'freezer' } as const;
const reference = 'Documentation/admin-guide/cgroup-v2.rst (cgroup.freeze)';

interface Worker {
  readonly name: string;
  readonly title: string;
  readonly reference: string;
}

const workers: readonly Worker[] = [
  {
    name: 'spin',
    title: 'use the processor in many processes while its sandbox is frozen',
    reference,
  },
  {
    name: 'fork',
    title: 'create processes so fast that the freezer misses one of them',
    reference: `${reference}, fork(2)`,
  },
  {
    name: 'vfork',
    title: 'hide behind a parent that waits in the kernel for its child',
    reference: 'vfork(2), CLONE_VFORK',
  },
  {
    name: 'stopped',
    title: 'continue processes that were stopped before',
    reference: 'signal(7), SIGSTOP and SIGCONT',
  },
];

export const freezeTechniques: readonly Technique[] = [
  ...workers.map(
    (names): Technique => ({
      ...{ ...head, ...names, name: `frozen-${names.name}`, expects: ['frozen'] },
      run: (context) => workFrozen(context, names.name),
    }),
  ),
  {
    ...head,
    control: 'sandbox-end',
    name: 'frozen-end',
    title: 'outlive its sandbox by being frozen behind a parent that waits in the kernel',
    reference: 'vfork(2), freezer in cgroups(7)',
    expects: ['killed'],
    run: endFrozen,
  },
  {
    ...head,
    name: 'thaw-timers',
    title: 'do all the work of the frozen time at the thaw',
    reference: 'timerfd_create(2), timer_create(2)',
    expects: ['limit'],
    run: thawTimers,
  },
];

/** Starts a program that writes a word and goes on for a minute. */
async function started({ start }: HostContext, name: string): Promise<Sandbox> {
  const sandbox = await start(programText(`neighbours/${name}`));
  sandbox.stderr.resume();
  await once(sandbox.stdout, 'data');
  return sandbox;
}

const frozenMs = 600;

async function workFrozen(context: HostContext, worker: string): Promise<AttackAnswer> {
  await using sandbox = await started(context, `frozen-${worker}`);
  await sandbox.freeze();
  const [before, processes] = [sandbox.cpuUsec(), (await sandbox.usage()).pids];
  await delay(frozenMs);
  const [used, after] = [sandbox.cpuUsec() - before, (await sandbox.usage()).pids];
  const detail = `${used} µs of processor time and ${after - processes} new processes in ${frozenMs} ms`;
  await sandbox.thaw();
  // Otherwise something other than the freezer stopped it.
  if (!(await works(sandbox)))
    return { outcome: 'NOTHING', detail: 'it uses no processor time after the thaw either' };
  if (used > 5000 || after > processes) return { outcome: 'ESCAPED', detail };
  return { outcome: 'BLOCKED', answer: 'frozen', detail };
}

/** Whether it uses the processor within five seconds: a busy machine may schedule it late. */
async function works(sandbox: Sandbox): Promise<boolean> {
  const before = sandbox.cpuUsec();
  for (let tries = 0; tries < 25 && sandbox.cpuUsec() === before; tries++) await delay(200);
  return sandbox.cpuUsec() > before;
}

async function endFrozen(context: HostContext): Promise<AttackAnswer> {
  const sandbox = await started(context, 'frozen-vfork');
  await sandbox.freeze();
  await sandbox.destroy();
  const { pids } = await sandbox.usage();
  const { killed } = await sandbox.exited;
  const detail = `${pids} processes are left of it`;
  return killed && pids === 0
    ? { outcome: 'BLOCKED', answer: 'killed', detail }
    : { outcome: 'ESCAPED', detail };
}

/** Uses a timer of one millisecond, which expires 600 times while the sandbox is frozen. */
async function thawTimers(context: HostContext): Promise<AttackAnswer> {
  await using sandbox = await started(context, 'thaw-timers');
  await sandbox.freeze();
  await delay(frozenMs);
  sandbox.stdin.write('.');
  await sandbox.thaw();
  const [line] = await once(sandbox.stdout, 'data');
  const ticks = Number(/ticks (\d+)/.exec(String(line))?.[1]);
  const detail = `${ticks} of ${frozenMs} timers fell due in the first 50 ms after the thaw`;
  return ticks > 200 ? { outcome: 'ESCAPED', detail } : { outcome: 'BLOCKED', answer: 'limit', detail };
}
