/** A call of what Ward itself carries out, while this process has it at hand. */

import type { ResolvedAction } from '../actions/resolved-action.ts';
import type { Identity } from '../namespaces/namespaces.ts';

/** Who calls, and how: what every part of the call has in common. */
export interface Caller {
  readonly identity: Identity;
  readonly transactionId: string;
  /** The `Authorization` header, for actions that are given the caller's key. */
  readonly authorization: string | undefined;
}

/** What has been invoked so far. Shared by a composition and those within it, so that its limits hold for all. */
export interface Budget {
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
  readonly budget: Budget;
}

export function newBudget(): Budget {
  return { atomic: 0, components: 0, conductors: 0 };
}
