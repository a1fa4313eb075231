/**
 * Ward before its sandboxes: what it shares with them is processors and memory, and it must answer when they want all of
 * both.
 *
 * - Processor: Ward has a control group with ten times the weight of all sandboxes together. In it, the main thread has
 *   nine times the weight of the rest, and a short time slice, for which the kernel lets it in at once when it wakes up
 *   (EEVDF, sched(7)) instead of at the end of somebody's slice. Neither is inherited: what it starts has the usual ones.
 * - Memory: when the machine has none left, the kernel ends a sandbox (`oomScoreAdj` of the policy), not Ward.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { messageOf, mustRun } from '../../lib/index.ts';
import { enterOwnGroup } from '../cgroup/own-group.ts';
import { cgroupFeatures } from '../host/inspect.ts';
import { readMounts } from '../host/mounts.ts';

/** Nice level of the main thread. */
const nice = -10;
/** Its time slice; the kernel's own is some milliseconds. */
const sliceNs = 200_000;
/** -1000 would be never. */
const oomScoreAdj = -900;

export interface Precedence extends Disposable {
  /** What the host refuses; Ward goes on without it. */
  readonly refused: readonly string[];
}

/** Never rejects. Disposing of it leaves the group, and removes it. */
export async function takePrecedence(): Promise<Precedence> {
  const stack = new DisposableStack();
  const steps = [putMemoryFirst, () => void stack.use(enterGroup()), () => putProcessorFirst(process.pid)];
  const refused: string[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      refused.push(messageOf(error));
    }
  }
  return { refused, [Symbol.dispose]: () => stack.dispose() };
}

function enterGroup(): Disposable | undefined {
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  const { controllers, version } = cgroupFeatures(readMounts(), membership);
  const mount = controllers.get('cpu');
  return mount === undefined ? undefined : enterOwnGroup({ mount, version, membership });
}

function putMemoryFirst(): void {
  const file = '/proc/self/oom_score_adj';
  // A service manager may have set a lower one.
  if (Number(readFileSync(file, 'utf8')) > oomScoreAdj) writeFileSync(file, String(oomScoreAdj));
}

/** The flag first: with it, threads and children get nice level 0 and the kernel's slice. */
async function putProcessorFirst(pid: number): Promise<void> {
  const flags = ['--other', '--reset-on-fork', '--sched-runtime', String(sliceNs)];
  await mustRun(['/usr/bin/chrt', ...flags, '--pid', '0', String(pid)], { timeoutMs: 5000 });
  setPriority(pid, nice);
}
