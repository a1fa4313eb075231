/** A call of what Ward itself carries out, while this process has it at hand. */
import type { ActionService } from '../actions/actions.ts';
import type { ResolvedAction } from '../actions/resolved-action.ts';
import { type EntityRef, fullNameOf } from '../entities/names.ts';
import { commonScope, requireRight } from '../namespaces/key-scopes.ts';
import type { Identity } from '../namespaces/namespaces.ts';

/** Who calls, and how: what every part of the call has in common. */
export interface Caller {
  readonly identity: Identity;
  readonly transactionId: string;
  /** The `Authorization` header, for actions that are given the caller's key. */
  readonly authorization: string | undefined;
}

/** What has been invoked so far. Shared by a composition and those within it, so that its limits hold for all. */
export interface CompositionBudget {
  /** Actions of a sequence and of the sequences within it. */
  atomic: number;
  /** Of a composition: actions that its conductors named. */
  components: number;
  /** Of a composition: calls of conductors. */
  conductors: number;
}

export interface ComposedCall {
  readonly resolved: ResolvedAction;
  readonly caller: Caller;
  readonly budget: CompositionBudget;
}

/**
 * The caller as the parts of a sequence or composition see it. A sequence of another namespace decides its parts itself, so
 * it gets no more of the caller's rights than a key lent to it would have.
 */
export function callerOfParts({ resolved: { keyTerms }, caller }: ComposedCall): Caller {
  if (keyTerms === 'own') return caller;
  const scope = commonScope(caller.identity.scope, keyTerms);
  return { ...caller, identity: { ...caller.identity, scope }, authorization: undefined };
}

/** An action as a part of a composed call: the caller's own needs the right to call it. @throws Fault NOT_AUTHORIZED, and those of `resolve` */
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
