/**
 * Gives Ward precedence over its sandboxes. It shares processors and memory with them, and must answer when they want
 * all of both.
 *
 * - Processor: Ward has a control group with ten times the weight of a sandbox. In it, the server's main thread has nine
 *   times the weight of the rest, and a short time slice, so that the kernel lets it in at once when it wakes up. Its
 *   children inherit neither. The process that starts sandboxes has the short slice alone, and sandboxes inherit it, so
 *   that none waits for the end of a neighbour's slice.
 * - Memory: when the machine has none left, the kernel ends a sandbox (`oomScoreAdj` of the policy), not Ward.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { messageOf, mustRun } from '../../lib/index.ts';
import { enterOwnGroup } from '../cgroup/own-group.ts';
import { cgroupFeatures } from '../host/inspect.ts';
import { readMounts } from '../host/mounts.ts';

/** Nice level of the server's main thread. */
const nice = -10;
/** With -1000, the kernel would never end it. */
const oomScoreAdj = -900;
/**
 * How long a thread with a short slice may have a processor that others want, too (EEVDF, sched(7); `sched_runtime` of
 * sched_setattr(2) since Linux 6.12; older kernels ignore it). The kernel's own slice is some milliseconds. A thread
 * with a shorter one gets in sooner when it wakes up, and makes way sooner when others do.
 */
const shortSliceNs = 200_000;

interface Precedence extends AsyncDisposable {
  /** The steps that the host refuses; Ward goes on without them. */
  readonly refused: readonly string[];
}

/**
 * Never rejects. Disposing of the result leaves the group and removes it: no process that was started since may be
 * left.
 * @param instance unique among running Wards
 */
export async function takePrecedence(instance: string): Promise<Precedence> {
  const stack = new AsyncDisposableStack();
  const steps = {
    'to be the last process that the kernel ends when memory runs out': putMemoryFirst,
    'a control group of its own': () => void stack.use(enterGroup(instance)),
    'short time slices': () => shorten(process.pid, false),
  };
  const refused = await refusedOf(steps);
  return { refused, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Raises the server, which has just been started. Never rejects; returns what the host refuses. */
export function putServerFirst(pid: number): Promise<readonly string[]> {
  return refusedOf({
    'a processor before others': async () => {
      // The flag comes first: with it, threads and children get nice level 0 and the kernel's slice.
      await shorten(pid, true);
      setPriority(pid, nice);
    },
  });
}

async function refusedOf(steps: Readonly<Record<string, () => unknown>>): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const [what, step] of Object.entries(steps)) {
    try {
      await step();
    } catch (error) {
      refused.push(`${what}: ${messageOf(error)}`);
    }
  }
  return refused;
}

/** Gives the thread a short slice. What it starts inherits it, unless `isReset`. */
async function shorten(threadId: number, isReset: boolean): Promise<void> {
  const flags = isReset ? ['--reset-on-fork'] : [];
  const argv = [
    ...['/usr/bin/chrt', '--other', ...flags],
    ...['--sched-runtime', String(shortSliceNs), '--pid', '0', String(threadId)],
  ];
  await mustRun(argv, { timeoutMs: 5000 });
}

function enterGroup(instance: string): AsyncDisposable | undefined {
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  const { controllers, version } = cgroupFeatures(readMounts(), membership);
  const mount = controllers.get('cpu');
  return mount === undefined ? undefined : enterOwnGroup({ mount, version, membership, instance });
}

function putMemoryFirst(): void {
  const file = '/proc/self/oom_score_adj';
  // A service manager may have set a lower one.
  if (Number(readFileSync(file, 'utf8')) > oomScoreAdj) writeFileSync(file, String(oomScoreAdj));
}
