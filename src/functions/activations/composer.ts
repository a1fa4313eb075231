/** Runs what is not code in a sandbox: sequences, compositions and built-in actions. */
import { type Handover, jobWithdrawn } from '../../dispatch/index.ts';
import {
  type Actor,
  actAs,
  callerTextOf,
  currentActor,
  isFault,
  isJsonObject,
  type Log,
  messageOf,
} from '../../lib/index.ts';
import type { ActionService } from '../actions/actions.ts';
import { mergeArguments } from '../actions/resolved-action.ts';
import type { BuiltinAction } from '../builtin.ts';
import { parseFullName, parseNamespaceName } from '../entities/names.ts';
import { notFound } from '../faults.ts';
import { actorOf } from '../namespaces/identities.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { Components } from './components.ts';
import { type Caller, type ComposedCall, callerOfParts, newBudget } from './composed-call.ts';
import { runComposition } from './compositions.ts';
import { type ActivationEnd, endWithoutSandbox } from './record.ts';
import { runSequence } from './sequences.ts';
import type { ComposedTask } from './task.ts';
import { traceOfTask } from './trace-context.ts';

export interface ComposerOptions {
  readonly actions: Pick<ActionService, 'resolve'>;
  readonly namespaces: Pick<NamespaceService, 'identityOf'>;
  readonly components: Components;
  /** Maximum of actions in a sequence, and of components in a composition. */
  readonly maxLength: number;
  readonly log: Log;
}

/**
 * @param call as it was begun; found again from the task after a restart
 * @param handover asked before a built-in action acts; parts of others ask their own
 * @throws Fault NOT_FOUND when the action or the namespace no longer exists, JOB_WITHDRAWN
 */
export async function compose(
  options: ComposerOptions,
  task: ComposedTask,
  call: ComposedCall | undefined,
  handover: Handover,
): Promise<ActivationEnd> {
  const { actions, components, log, maxLength } = options;
  const known = call ?? (await callAgain(options, task));
  const { plan } = known.resolved;
  if (plan.type === 'builtin') {
    if (!(await handover.begin())) throw jobWithdrawn();
    return runBuiltin(plan.builtin, task, known, log);
  }
  const within = { ...known, caller: callerOfParts(known) };
  if (plan.type === 'sequence') {
    return runSequence({ actions, components, maxLength, log }, task, within, plan.components);
  }
  return runComposition({ actions, components, maxComponents: maxLength, log }, task, within);
}

async function callAgain(
  { actions, namespaces }: ComposerOptions,
  task: ComposedTask,
): Promise<ComposedCall> {
  const namespace = parseNamespaceName(task.namespace);
  const identity = await namespaces.identityOf(namespace);
  if (identity === undefined) throw notFound();
  const resolved = await actions.resolve(parseFullName(task.named, namespace), namespace);
  const { scope, transactionId } = task;
  const own = { identity: { ...identity, scope }, transactionId, authorization: undefined };
  const caller = { ...own, trace: traceOfTask(task) };
  return { resolved, caller, budget: newBudget() };
}

/** A caller without a request of its own is a sequence, a rule or a composition. */
function actorOfCall({ identity, transactionId }: Caller): Actor {
  const { who, from } = currentActor();
  const known = actorOf(identity);
  return { who: known, from: who === known ? from : 'call', request: transactionId };
}

async function runBuiltin(
  builtin: BuiltinAction,
  task: ComposedTask,
  { resolved, caller }: ComposedCall,
  log: Log,
): Promise<ActivationEnd> {
  const startedAt = Date.now();
  const { parameters } = mergeArguments(resolved, task.parameters);
  try {
    const run = () => builtin.run(isJsonObject(parameters) ? parameters : {}, caller);
    const result = await actAs(actorOfCall(caller), run);
    const status = result['error'] === undefined ? 'success' : 'application error';
    const endedAt = Date.now();
    const end = endWithoutSandbox(status, result, startedAt, endedAt);
    if (builtin.recorded === undefined) return end;
    return {
      ...end,
      recorded: endWithoutSandbox(status, builtin.recorded(result), startedAt, endedAt),
    };
  } catch (error) {
    const isRefused = isFault(error) && error.kind !== 'host' && error.kind !== 'bug';
    const [reason, text] = [messageOf(error), callerTextOf(error)];
    if (!isRefused || text !== reason)
      log.error({ action: builtin.path, reason }, 'a built-in action failed');
    if (isRefused) return endWithoutSandbox('application error', { error: text }, startedAt, Date.now());
    return endWithoutSandbox(
      'whisk internal error',
      { error: 'The action failed inside the platform.' },
      startedAt,
      Date.now(),
    );
  }
}
