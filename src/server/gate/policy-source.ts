/**
 * The current policy: the operator's file on this machine, or else the one that all servers of the database share, or else
 * Ward's own; with what operators waived. It is reloaded when it changes.
 */
import { readFileSync, statSync } from 'node:fs';
import {
  defaultPolicy,
  type Gate,
  type GateStore,
  type Policy,
  parsePolicy,
  parseWaivers,
  type SharedFile,
  type Waiver,
} from '../../gate/index.ts';
import { errnoOf, type Log, messageOf, oneAfterAnother, withTimeout } from '../../lib/index.ts';
import { followShared } from './shared-file.ts';

export interface PolicySource {
  current(): Policy;
  /** A policy of this text, with what operators waived. @throws Fault POLICY_INVALID */
  given(text: string): Policy;
  /**
   * Looks at once for a change that was made before this call. Looks that are asked for meanwhile are one.
   * @throws Faults of the gate's store
   */
  refresh(): Promise<void>;
}

export interface PolicySourceOptions {
  /** Of the operator's file. */
  readonly path: string;
  readonly store: Pick<GateStore, 'waivers' | 'sharedFile'>;
  readonly log: Log;
}

/** Name of the policy among the files that all servers of a database use. */
export const sharedPolicy = 'policy.yaml';

/** Interval between checks for a changed file. */
const checkEveryMs = 1000;
/** A change is answered after this time even if stored reports are still judged again. */
const longestWaitMs = 3000;

/** @throws Fault POLICY_INVALID when the policy is invalid at the start; later the last valid one stays current */
export async function openPolicySource({ path, store, log }: PolicySourceOptions): Promise<PolicySource> {
  let waivers = await store.waivers();
  const shared = await followShared({ name: sharedPolicy, what: 'policy', store, log });
  let seen: string | undefined = stampOf(path);
  let file = readIfThere(path);
  let text = file ?? textOf(shared.current());
  let policy = policyOf(text, waivers);
  let checkedAt = performance.now();
  let problem: string | undefined;
  const takeText = (): void => {
    const wanted = file ?? textOf(shared.current());
    const where = file === undefined ? 'the database' : path;
    if (wanted === text) return;
    try {
      policy = policyOf(wanted, waivers);
      text = wanted;
      log.info({ where, revision: policy.revision }, 'the gate’s policy was reloaded');
    } catch (error) {
      log.error(
        { where, reason: messageOf(error) },
        'the changed policy is invalid; the previous one still applies',
      );
    }
  };
  const look = (): void => {
    checkedAt = performance.now();
    try {
      const stamp = stampOf(path);
      if (stamp === seen) return;
      file = readIfThere(path);
      seen = stamp;
      problem = undefined;
    } catch (error) {
      const reason = messageOf(error);
      // Each look tries again: what is missing may be a descriptor, and leaves no trace on the file.
      if (reason !== problem)
        log.error({ path, reason }, 'the policy can’t be read; the previous one still applies');
      problem = reason;
      seen = undefined;
      return;
    }
    takeText();
  };
  const readAgain = async (): Promise<void> => {
    const [changed, isNew] = await Promise.all([store.waivers(), shared.refresh()]);
    if (idsOf(changed) !== idsOf(waivers)) {
      waivers = changed;
      policy = policyOf(text, waivers);
    }
    if (isNew) takeText();
    look();
  };
  return {
    current() {
      if (performance.now() - checkedAt >= checkEveryMs) look();
      return policy;
    },
    given: (draft) => parsePolicy(draft, waivers),
    refresh: oneAfterAnother(readAgain),
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

export interface ReadPolicy {
  readonly policy: Policy;
  readonly source: 'file' | 'database' | 'own';
  /** Of the operator's policy; empty for Ward's own. */
  readonly text: string;
}

/** The policy that a server with this file and this database has. @throws Fault POLICY_INVALID, and errors of the file system */
export function readPolicy(path: string, waivers: readonly Waiver[], shared?: SharedFile): ReadPolicy {
  const file = readIfThere(path);
  const text = file ?? textOf(shared);
  const source = file !== undefined ? 'file' : shared !== undefined ? 'database' : 'own';
  return { policy: policyOf(text, waivers), source, text: text ?? '' };
}

/**
 * Earlier versions kept them in this file; undefined without it.
 * @throws Fault POLICY_INVALID, and errors of the file system
 */
export function readWaiversFile(path: string): readonly Waiver[] | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : parseWaivers(text);
}

export function textOf(shared: SharedFile | undefined): string | undefined {
  return shared === undefined ? undefined : Buffer.from(shared.bytes).toString('utf8');
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
  return stats === undefined ? '' : `${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.size}`;
}
