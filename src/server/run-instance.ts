/**
 * Instances for commands that make sandboxes without a server. Their names are few and used again: whoever
 * takes a name removes what the last holder of it may have left, and `ward up` does so for all free ones.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileLock, type Log, tryFileLock } from '../lib/index.ts';
import { openSandboxHost, type RuntimeName } from '../sandbox/index.ts';
import { serverFault } from './faults.ts';
import { runDir } from './instance.ts';

const locksDir = join(runDir, 'locks');
const maxRuns = 256;

export interface RunInstance {
  readonly name: string;
  readonly lock: FileLock;
}

/** @throws Fault TOO_MANY_RUNS */
export async function claimRunInstance(): Promise<RunInstance> {
  await mkdir(locksDir, { recursive: true });
  for (let number = 0; number < maxRuns; number++) {
    const name = `run-${number}`;
    const lock = tryFileLock(join(locksDir, name));
    if (lock) return { name, lock };
  }
  throw serverFault('TOO_MANY_RUNS', `${maxRuns} sandboxes are running by hand already`, {
    hint: 'end some of them first',
  });
}

/** Removes what runs by hand left behind that are no longer there. */
export async function recoverRuns(runtime: RuntimeName, log: Log): Promise<void> {
  for (const name of await readdir(locksDir).catch(() => [])) {
    if (!/^run-\d+$/.test(name)) continue;
    using lock = tryFileLock(join(locksDir, name));
    if (!lock) continue;
    await using host = await openSandboxHost({ instance: name, runDir, runtime, log });
    await host.recover();
  }
}
