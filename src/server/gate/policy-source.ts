/** The current policy: the operator's file, reloaded when it changes, or else Ward's own; with the waivers beside it. */
import { readFileSync, statSync } from 'node:fs';
import {
  defaultPolicy,
  type Gate,
  type Policy,
  parsePolicy,
  parseWaivers,
  type Waiver,
} from '../../gate/index.ts';
import { errnoOf, type Log, messageOf, withTimeout } from '../../lib/index.ts';
import type { GatePaths } from '../instance/gate-paths.ts';

export type PolicyPaths = Pick<GatePaths, 'policy' | 'waivers'>;

export interface PolicySource {
  current(): Policy;
  /** A policy of this text, with what operators waived. @throws Fault POLICY_INVALID */
  given(text: string): Policy;
  /** Looks for a change at once. */
  refresh(): void;
}

/** Interval between checks for a change. */
const checkEveryMs = 1000;

/** @throws Fault POLICY_INVALID when a file is invalid at the start; later the last valid ones stay current */
export function policySource(paths: PolicyPaths, log: Log): PolicySource {
  let seen = stampOf(paths);
  let { policy } = readPolicy(paths);
  let checkedAt = performance.now();
  const refresh = (): void => {
    checkedAt = performance.now();
    const stamp = stampOf(paths);
    if (stamp === seen) return;
    seen = stamp;
    try {
      policy = readPolicy(paths).policy;
      log.info({ path: paths.policy, revision: policy.revision }, 'the gate’s policy was reloaded');
    } catch (error) {
      log.error(
        { path: paths.policy, reason: messageOf(error) },
        'the changed policy is invalid; the previous one still applies',
      );
    }
  };
  return {
    current() {
      if (performance.now() - checkedAt >= checkEveryMs) refresh();
      return policy;
    },
    given: (text) => parsePolicy(text, readWaivers(paths.waivers)),
    refresh,
  };
}

/** A change is answered after this time even if stored reports are still judged again. */
const longestWaitMs = 3000;

/** Takes up a change of the policy at once. The log has what fails. */
export async function takeUp(
  policy: Pick<PolicySource, 'refresh'>,
  gate: Pick<Gate, 'catchUp'>,
  log: Log,
): Promise<void> {
  policy.refresh();
  const judged = gate.catchUp().catch((error: unknown) => {
    log.error({ reason: messageOf(error) }, 'could not judge again after a change of the policy');
  });
  await withTimeout(judged, longestWaitMs, () => undefined);
}

/** @throws Fault POLICY_INVALID, and errors of the file system */
export function readPolicy(paths: PolicyPaths): { readonly policy: Policy; readonly isOwn: boolean } {
  const waivers = readWaivers(paths.waivers);
  const text = readIfThere(paths.policy);
  if (text === undefined) return { policy: defaultPolicy(waivers), isOwn: true };
  return { policy: parsePolicy(text, waivers), isOwn: false };
}

/** @throws Fault POLICY_INVALID, and errors of the file system */
export function readWaivers(path: string): readonly Waiver[] {
  const text = readIfThere(path);
  return text === undefined ? [] : parseWaivers(text);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function stampOf({ policy, waivers }: PolicyPaths): string {
  return [policy, waivers]
    .map((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? '' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
    })
    .join(', ');
}
