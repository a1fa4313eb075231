/** Calls of a namespace that have not ended: lists them, and cancels them wherever they run. */
import { z } from 'zod';
import type { AcceptedQueue, AcceptedRow, UnsealedEntries } from '../../store/index.ts';
import { checkActivationId } from './activations.ts';
import type { Execution } from './execution.ts';
import type { Executions } from './executions.ts';

export interface CallsUnderWay {
  /**
   * Oldest first. Blocking calls that other servers have taken less than a minute ago are not among them: only their servers
   * know them.
   */
  list(filter: UnderWayFilter): Promise<UnderWayPage>;
  /**
   * Ends them, with their parts. The record of each says so, unless it ended by itself at the same moment. Before, notes in
   * the audit log how many are to end.
   * @throws Fault ACTIVATION_ID_INVALID
   */
  cancel(namespace: string, activationIds: readonly string[]): Promise<CancelOutcome>;
}

export interface UnderWayFilter {
  readonly namespace: string;
  /** `name` or `package/name`. */
  readonly path?: string;
  /** When it was accepted, epoch milliseconds; both inclusive. */
  readonly since?: number;
  readonly upto?: number;
  readonly limit: number;
}

interface UnderWayPage {
  /** Also beyond the limit, up to 10,000. */
  readonly total: number;
  readonly calls: readonly UnderWayCall[];
}

export interface UnderWayCall {
  readonly activationId: string;
  /** `name` or `package/name`. */
  readonly path: string;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  /** False while it waits for a sandbox. */
  readonly hasBegun: boolean;
  /** Activation that it is a part of; null: of none. */
  readonly cause: string | null;
}

export interface CancelOutcome {
  readonly cancelled: readonly string[];
  /** They have ended, or are no calls of this namespace. */
  readonly missing: readonly string[];
}

/** Ends an activation that another server has taken. False: none has it. */
export type CancelCall = (namespace: string, activationId: string) => Promise<boolean>;

interface UnderWayOptions {
  readonly executions: Pick<Executions, 'ofNamespace' | 'stop'>;
  readonly accepted: Pick<AcceptedQueue, 'ofNamespace'>;
  readonly unsealed: Pick<UnsealedEntries, 'add'>;
  readonly cancelElsewhere?: CancelCall | undefined;
}

const mostListed = 10_000;
/** Other servers are asked about so many at once. */
const lanes = 16;
/** What a list needs of a task in the durable queue. */
const queuedJob = z.object({ action: z.string(), cause: z.string().optional() });

export function createCallsUnderWay({
  executions,
  accepted,
  unsealed,
  cancelElsewhere,
}: UnderWayOptions): CallsUnderWay {
  const cancelOne = async (namespace: string, id: string) =>
    (await executions.stop(namespace, id)) || (await cancelElsewhere?.(namespace, id)) === true;
  return {
    async list({ namespace, path, since = 0, upto = Number.POSITIVE_INFINITY, limit }) {
      const own = executions.ofNamespace(namespace).map(ofExecution);
      const known = new Set(own.map(({ activationId }) => activationId));
      const queued = (await accepted.ofNamespace(namespace, mostListed)).flatMap(ofRow);
      const calls = [...own, ...queued.filter(({ activationId }) => !known.has(activationId))]
        .filter(({ acceptedAt }) => acceptedAt >= since && acceptedAt <= upto)
        .filter((call) => path === undefined || call.path === path)
        .sort((a, b) => a.acceptedAt - b.acceptedAt);
      return { total: calls.length, calls: calls.slice(0, limit) };
    },
    async cancel(namespace, activationIds) {
      for (const id of activationIds) checkActivationId(id);
      const waiting = [...new Set(activationIds)];
      const [only = '', ...others] = waiting;
      const name = others.length === 0 ? `/${namespace}/${only}` : `/${namespace}`;
      const summary = `${waiting.length} ${waiting.length === 1 ? 'call' : 'calls'}`;
      await unsealed.add({ what: 'cancel-calls', name, namespace, summary });
      const cancelled: string[] = [];
      const missing: string[] = [];
      const work = async () => {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
          ((await cancelOne(namespace, id)) ? cancelled : missing).push(id);
      };
      await Promise.all(Array.from({ length: lanes }, work));
      return { cancelled, missing };
    },
  };
}

function ofExecution({ task, hasBegun }: Execution): UnderWayCall {
  const { activationId, action, acceptedAt, cause = null } = task;
  return { activationId, path: pathOf(action), acceptedAt, hasBegun, cause };
}

/** Nothing for a call that another version of Ward has written. */
function ofRow({ activationId, acceptedAt, attempt, job }: AcceptedRow): readonly UnderWayCall[] {
  const parsed = queuedJob.safeParse(job);
  if (!parsed.success) return [];
  const { action, cause = null } = parsed.data;
  return [{ activationId, path: pathOf(action), acceptedAt, hasBegun: attempt > 0, cause }];
}

/** Without the namespace. */
function pathOf(action: string): string {
  return action.replace(/^\/[^/]*\//, '');
}
