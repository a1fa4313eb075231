/** Makes the task of one call of a resolved action. */
import { type JsonObject, type JsonValue, newActivationId } from '../../lib/index.ts';
import { mergeArguments, type Plan, type ResolvedAction, targetOf } from '../actions/resolved-action.ts';
import { commonScope, type LentScope, lentScopeOf } from '../namespaces/key-scopes.ts';
import { formatApiKey, parseAuthorization } from '../namespaces/keys.ts';
import type { Caller } from './composed-call.ts';
import type { CodeTask, ComposedTask, Task } from './task.ts';
import { traceMembers } from './trace-context.ts';

export interface NewTask {
  readonly resolved: ResolvedAction;
  readonly caller: Caller;
  readonly payload: JsonObject | readonly JsonValue[];
  readonly cause?: string | undefined;
  /** Set if it was chosen in advance. */
  readonly activationId?: string | undefined;
}

export function newTask(options: NewTask): Task {
  const { plan } = options.resolved;
  return plan.type === 'code' && !plan.isConductor ? newCodeTask(options, plan) : newComposedTask(options);
}

/** A call of plain code, or of a conductor as a step of its composition. */
export function newCodeTask(
  { resolved, caller, payload, cause, activationId }: NewTask,
  plan: Extract<Plan, { type: 'code' }>,
): CodeTask {
  const { parameters, initEnv } = mergeArguments(resolved, payload);
  const id = activationId ?? newActivationId();
  const { traceparent, parentSpan } = traceMembers(caller.trace, id, cause);
  // Every call makes one. A spread first and then named members is the fastest form in the engine.
  return {
    ...targetOf(resolved, plan, caller.identity, initEnv),
    type: 'code',
    cause,
    binding: resolved.binding,
    retriesOnRestart: resolved.retriesOnRestart,
    activationId: id,
    transactionId: caller.transactionId,
    traceparent,
    parentSpan,
    parameters,
    acceptedAt: Date.now(),
    apiKey: apiKeyFor(resolved, caller),
    lentScope: lentScopeFor(resolved, caller),
  };
}

function newComposedTask({ resolved, caller, payload, cause, activationId }: NewTask): ComposedTask {
  const { action, fullName, binding, plan, limits } = resolved;
  const isConductor = plan.type === 'code';
  const id = activationId ?? newActivationId();
  return {
    ...traceMembers(caller.trace, id, cause),
    type: 'composed',
    cause,
    binding,
    retriesOnRestart: resolved.retriesOnRestart,
    activationId: id,
    transactionId: caller.transactionId,
    namespace: caller.identity.namespace,
    action: fullName,
    named: binding === undefined ? fullName : `/${binding}/${action.ref.name}`,
    version: action.version,
    kind: isConductor ? 'sequence' : action.exec.kind,
    isConductor,
    limits,
    scope: lentScopeOf(caller.identity.scope),
    parameters: payload,
    acceptedAt: Date.now(),
  };
}

function apiKeyFor(
  { providesApiKey, keyTerms }: ResolvedAction,
  { authorization }: Caller,
): string | undefined {
  if (!providesApiKey || keyTerms !== 'own' || authorization === undefined) return undefined;
  return formatApiKey(parseAuthorization(authorization));
}

/** Never more than the caller may do. For another namespace's action, never more than its package declares. */
function lentScopeFor({ providesApiKey, keyTerms }: ResolvedAction, caller: Caller): LentScope | undefined {
  if (!providesApiKey) return undefined;
  const { scope } = caller.identity;
  if (keyTerms === 'own') return caller.authorization === undefined ? lentScopeOf(scope) : undefined;
  return commonScope(scope, keyTerms);
}
