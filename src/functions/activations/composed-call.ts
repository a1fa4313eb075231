/** A call of a sequence, a composition or a built-in action, while this process has it in memory. */
import type { ActionService } from '../actions/actions.ts';
import type { ResolvedAction } from '../actions/resolved-action.ts';
import { type EntityRef, fullNameOf } from '../entities/names.ts';
import { commonScope, requireRight } from '../namespaces/key-scopes.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { TraceOrigin } from './trace-context.ts';

/** Who calls and how, the same for all parts of the call. */
export interface Caller {
  readonly identity: Identity;
  readonly transactionId: string;
  /** The `Authorization` header, for actions that are given the caller's key. */
  readonly authorization: string | undefined;
  /** Absent: the call is not traced. */
  readonly trace?: TraceOrigin | undefined;
}

/**
 * Counts what has been invoked so far. A composition shares it with those within it, so that its limits hold for all.
 */
export interface CompositionBudget {
  /** Actions of a sequence, including the sequences within it. */
  atomic: number;
  /** Actions that the conductors of a composition have named. */
  components: number;
  /** Calls of the conductors of a composition. */
  conductors: number;
}

export interface ComposedCall {
  readonly resolved: ResolvedAction;
  readonly caller: Caller;
  readonly budget: CompositionBudget;
}

/**
 * The caller as the parts of a sequence or composition see it. A sequence of another namespace chooses its parts
 * itself, so it gets no more of the caller's rights than a key lent to it would have.
 */
export function callerOfParts({ resolved: { keyTerms }, caller }: ComposedCall): Caller {
  if (keyTerms === 'own') return caller;
  const scope = commonScope(caller.identity.scope, keyTerms);
  return { ...caller, identity: { ...caller.identity, scope }, authorization: undefined };
}

/**
 * Resolves an action as a part of a composed call. The caller needs the right to call its own actions. @throws Fault
 * NOT_AUTHORIZED, and those of `resolve`
 */
export async function resolvePart(
  actions: Pick<ActionService, 'resolve'>,
  ref: EntityRef,
  { identity: { namespace, scope } }: Caller,
): Promise<ResolvedAction> {
  const resolved = await actions.resolve(ref, namespace);
  if (resolved.action.ref.namespace === namespace) requireRight(scope, 'invoke', fullNameOf(ref));
  return resolved;
}

export function newBudget(): CompositionBudget {
  return { atomic: 0, components: 0, conductors: 0 };
}
