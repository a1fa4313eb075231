/**
 * Instances for commands that make sandboxes without a server. Their names are few and reused: a command that takes a
 * name removes what its last holder may have left.
 */
import type { FileLock } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { tryInstanceLock } from './instance-locks.ts';

const maxRuns = 256;

interface RunInstance {
  readonly name: string;
  readonly lock: FileLock;
}

/** @throws Fault TOO_MANY_RUNS */
export async function claimRunInstance(): Promise<RunInstance> {
  for (let number = 0; number < maxRuns; number++) {
    const name = `run-${number}`;
    const lock = await tryInstanceLock(name);
    if (lock) return { name, lock };
  }
  throw serverFault('TOO_MANY_RUNS', `${maxRuns} sandboxes are running by hand already`, {
    hint: 'end some of them first',
  });
}
