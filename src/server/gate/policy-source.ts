/** The current policy: the operator's file, reloaded when it changes, or else Ward's own; with what operators waived. */
import { readFileSync, statSync } from 'node:fs';
import {
  defaultPolicy,
  type Gate,
  type GateStore,
  type Policy,
  parsePolicy,
  parseWaivers,
  type Waiver,
} from '../../gate/index.ts';
import { errnoOf, type Log, messageOf, withTimeout } from '../../lib/index.ts';

export interface PolicySource {
  current(): Policy;
  /** A policy of this text, with what operators waived. @throws Fault POLICY_INVALID */
  given(text: string): Policy;
  /** Looks for a change at once. @throws Faults of the gate's store */
  refresh(): Promise<void>;
}

export interface PolicySourceOptions {
  /** Of the operator's file. */
  readonly path: string;
  readonly store: Pick<GateStore, 'waivers'>;
  readonly log: Log;
}

/** Interval between checks for a changed file. */
const checkEveryMs = 1000;
/** A change is answered after this time even if stored reports are still judged again. */
const longestWaitMs = 3000;

/** @throws Fault POLICY_INVALID when the file is invalid at the start; later the last valid one stays current */
export async function openPolicySource({ path, store, log }: PolicySourceOptions): Promise<PolicySource> {
  let waivers = await store.waivers();
  let seen = stampOf(path);
  let text = readIfThere(path);
  let policy = policyOf(text, waivers);
  let checkedAt = performance.now();
  const look = (): void => {
    checkedAt = performance.now();
    const stamp = stampOf(path);
    if (stamp === seen) return;
    seen = stamp;
    try {
      const changed = readIfThere(path);
      policy = policyOf(changed, waivers);
      text = changed;
      log.info({ path, revision: policy.revision }, 'the gate’s policy was reloaded');
    } catch (error) {
      log.error(
        { path, reason: messageOf(error) },
        'the changed policy is invalid; the previous one still applies',
      );
    }
  };
  return {
    current() {
      if (performance.now() - checkedAt >= checkEveryMs) look();
      return policy;
    },
    given: (draft) => parsePolicy(draft, waivers),
    async refresh() {
      const changed = await store.waivers();
      if (idsOf(changed) !== idsOf(waivers)) {
        waivers = changed;
        policy = policyOf(text, waivers);
      }
      look();
    },
  };
}

/** Takes up a change of the policy at once. The log has what fails. */
export async function takeUp(
  policy: Pick<PolicySource, 'refresh'>,
  gate: Pick<Gate, 'catchUp'>,
  log: Log,
): Promise<void> {
  const judging = async () => {
    await policy.refresh();
    await gate.catchUp();
  };
  const judged = judging().catch((error: unknown) => {
    log.error({ reason: messageOf(error) }, 'could not judge again after a change of the policy');
  });
  await withTimeout(judged, longestWaitMs, () => undefined);
}

/** @throws Fault POLICY_INVALID, and errors of the file system */
export function readPolicy(
  path: string,
  waivers: readonly Waiver[],
): { readonly policy: Policy; readonly isOwn: boolean } {
  const text = readIfThere(path);
  return { policy: policyOf(text, waivers), isOwn: text === undefined };
}

/**
 * Earlier versions kept them in this file; undefined without it.
 * @throws Fault POLICY_INVALID, and errors of the file system
 */
export function readWaiversFile(path: string): readonly Waiver[] | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : parseWaivers(text);
}

function policyOf(text: string | undefined, waivers: readonly Waiver[]): Policy {
  return text === undefined ? defaultPolicy(waivers) : parsePolicy(text, waivers);
}

/** A waiver never changes, so its id stands for it. */
function idsOf(waivers: readonly Waiver[]): string {
  return waivers.map(({ id }) => id).join(' ');
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}
