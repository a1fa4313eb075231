/**
 * What an invoker can run. Invokers report it in advance, so Ward can refuse an action that no sandbox can run when
 * it is saved, without asking an invoker.
 */
import { errorOf, type Failure, isFault } from '../lib/index.ts';
import type { OperatorPolicy, SandboxPolicy } from '../sandbox/index.ts';
import { dispatchFault } from './faults.ts';
import { sandboxPolicy } from './sandbox-policy.ts';
import type { JobTarget } from './types.ts';

/** Plain data. */
export interface InvokerAbilities {
  /** The bounds of its operator. */
  readonly operator: OperatorPolicy;
  /** Why it can start no sandboxes under gVisor; undefined when it can. */
  readonly gvisorObstacle: Failure | undefined;
}

type Asking = Pick<JobTarget, 'kind' | 'limits' | 'sandbox'>;

/** @throws Fault POLICY_EXCEEDED, EGRESS_EXCEEDED, POLICY_NOT_MET (`denied`), POLICY_INVALID, TIER_UNAVAILABLE (`invalid`) */
export function requireAble(target: Asking, { operator, gvisorObstacle }: InvokerAbilities): void {
  if (!needsGvisor(target, operator) || gvisorObstacle === undefined) return;
  const cause = errorOf(gvisorObstacle);
  if (!isFault(cause, 'RUNTIME_MISSING')) throw cause;
  throw dispatchFault('TIER_UNAVAILABLE', `this server has no gVisor: ${cause.message}`, { cause });
}

/**
 * True when the target asks for gVisor and the operator's default is another runtime.
 * @throws Fault POLICY_EXCEEDED, EGRESS_EXCEEDED, POLICY_INVALID, TIER_UNAVAILABLE
 */
export function needsGvisor(target: Asking, operator: OperatorPolicy): boolean {
  const { policy } = sandboxPolicy(target, operator);
  if (target.kind === 'blackbox') requireReachable(policy);
  return policy.runtime === 'runsc' && operator.defaults.runtime !== 'runsc';
}

/** @throws Fault TIER_UNAVAILABLE for a user's image under gVisor, because the host can't enter its network */
export function requireReachable({ runtime }: SandboxPolicy): void {
  if (runtime !== 'runsc') return;
  throw dispatchFault('TIER_UNAVAILABLE', 'actions of kind blackbox cannot run under gVisor', {
    hint: 'use one of Ward’s kinds, or omit the tier',
  });
}
