/** The current policy: the operator's file, reloaded when it changes, or else Ward's own. */
import { readFileSync, statSync } from 'node:fs';
import { defaultPolicy, type Policy, parsePolicy } from '../../gate/index.ts';
import { errnoOf, type Log, messageOf } from '../../lib/index.ts';

/** Interval between checks for a change. */
const checkEveryMs = 1000;

/** @throws Fault POLICY_INVALID when the file is invalid at the start; later the last valid one stays current */
export function policySource(path: string, log: Log): () => Policy {
  let seen = stampOf(path);
  let policy = read(path);
  let checkedAt = performance.now();
  return () => {
    if (performance.now() - checkedAt < checkEveryMs) return policy;
    checkedAt = performance.now();
    const stamp = stampOf(path);
    if (stamp === seen) return policy;
    seen = stamp;
    try {
      policy = read(path);
      log.info({ path, revision: policy.revision }, 'the gate’s policy was reloaded');
    } catch (error) {
      log.error(
        { path, reason: messageOf(error) },
        'the changed policy is invalid; the previous one still applies',
      );
    }
    return policy;
  };
}

function read(path: string): Policy {
  try {
    return parsePolicy(readFileSync(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return defaultPolicy();
    throw error;
  }
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}
