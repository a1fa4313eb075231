/**
 * Compositions: a conductor action says what to call next, is called again with the result, and so on, until it names
 * nothing more. Texts, limits and the order of checks are OpenWhisk's (docs/conductors.md, PrimitiveActions).
 */
import {
  isFault,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Log,
  messageOf,
} from '../../lib/index.ts';
import type { ActionService } from '../actions/actions.ts';
import type { ResolvedAction } from '../actions/resolved-action.ts';
import { type EntityRef, fullNameOf, parseRelativeName } from '../entities/names.ts';
import { type Components, failed, type LastResult, lastOf, type PartOutcome } from './components.ts';
import { type ComposedCall, newBudget, resolvePart } from './composed-call.ts';
import type { ActivationEnd } from './record.ts';
import { Tally } from './tally.ts';
import type { ComposedTask } from './task.ts';
import { callIds } from './trace-context.ts';

export interface CompositionOptions {
  readonly actions: Pick<ActionService, 'resolve'>;
  readonly components: Components;
  /** Maximum of components, including all compositions within. */
  readonly maxComponents: number;
  readonly log: Log;
}

/** What the conductor is called with next, or how the composition ends. */
type Turn = { readonly payload: JsonValue } | { readonly last: LastResult };

const tooLong = 'Too many actions in the composition.';

export async function runComposition(
  options: CompositionOptions,
  task: ComposedTask,
  call: ComposedCall,
): Promise<ActivationEnd> {
  const tally = new Tally(task.limits.memoryMiB);
  const session: Session = { options, task, call, tally, state: undefined };
  let turn: Turn = { payload: { ...(isJsonObject(task.parameters) ? task.parameters : {}) } };
  while ('payload' in turn) turn = await takeTurn(session, turn.payload);
  return tally.end(turn.last);
}

interface Session {
  readonly options: CompositionOptions;
  readonly task: ComposedTask;
  readonly call: ComposedCall;
  readonly tally: Tally;
  /** State that the conductor wants to get back. */
  state: JsonObject | undefined;
}

async function takeTurn(session: Session, payload: JsonValue): Promise<Turn> {
  const { options, call, state } = session;
  if (call.budget.conductors > 2 * options.maxComponents)
    return { last: failed('application error', tooLong) };
  call.budget.conductors++;
  const input = isJsonObject(payload) ? payload : {};
  const ended = await attempt(session, () =>
    options.components.runConductor({
      ...partOf(session),
      resolved: call.resolved,
      payload: state === undefined ? input : { ...input, ...state },
    }),
  );
  return ended.isFailed ? { last: ended.last } : follow(session, ended.last);
}

/** Does what the conductor says. */
async function follow(session: Session, said: LastResult): Promise<Turn> {
  const fields = isJsonObject(said.result) ? said.result : {};
  const { action, params, state } = fields;
  const boxed = params === undefined ? undefined : isJsonObject(params) ? params : { value: params };
  session.state = state === undefined ? undefined : isJsonObject(state) ? state : { state };
  if (action === undefined) return { last: boxed === undefined ? said : withResult(said, boxed) };
  const { namespace } = session.call.caller.identity;
  const ref = typeof action === 'string' ? parseRelativeName(action, namespace) : undefined;
  if (ref === undefined) {
    const shown = JSON.stringify(action).slice(0, 512);
    return error(`Failed to parse action name from json value ${shown} during composition.`);
  }
  if (session.call.budget.components >= session.options.maxComponents) return error(tooLong);
  const next = await resolveNext(session, ref);
  return 'payload' in next ? next : callNext(session, next, boxed ?? {});
}

async function callNext(session: Session, resolved: ResolvedAction, payload: JsonObject): Promise<Turn> {
  const { call, options } = session;
  const { plan } = resolved;
  const isComposition = plan.type === 'code' && plan.isConductor;
  if (!isComposition) call.budget.components++;
  // A sequence counts its own actions anew; a composition shares the remaining budget.
  const budget = isComposition ? call.budget : newBudget();
  const ended = await attempt(session, () =>
    options.components.run({ ...partOf(session), resolved, payload, budget }),
  );
  return ended.isFailed ? { last: ended.last } : { payload: ended.last.result };
}

async function resolveNext(
  session: Session,
  ref: EntityRef,
): Promise<ResolvedAction | (Turn & { payload: JsonValue })> {
  try {
    return await resolvePart(session.options.actions, ref, session.call.caller);
  } catch (fault) {
    const name = fullNameOf(ref);
    return isFault(fault, 'NOT_AUTHORIZED')
      ? error(`Failed entitlement check for action with name '${name}' during composition.`)
      : error(`Failed to resolve action with name '${name}' during composition.`);
  }
}

interface Attempt {
  readonly isFailed: boolean;
  readonly last: LastResult;
}

/** Runs a part. Only a part that never ran or did not end in time has failed; an action's own error is a result. */
async function attempt(session: Session, run: () => Promise<PartOutcome>): Promise<Attempt> {
  try {
    const outcome = await run();
    session.tally.add(outcome);
    if (outcome.record !== undefined) return { isFailed: false, last: lastOf(outcome.record) };
    const text = `Timeout reached when retrieving activation ${outcome.activationId} during composition.`;
    return { isFailed: true, last: failed('whisk internal error', text) };
  } catch (fault) {
    if (!isFault(fault, 'JOB_WITHDRAWN'))
      session.options.log.warn(
        { ...callIds(session.task), reason: messageOf(fault) },
        'a composition failed',
      );
    return {
      isFailed: true,
      last: failed('whisk internal error', 'Activation failure during composition.'),
    };
  }
}

function partOf({ call, task }: Session) {
  return { caller: call.caller, budget: call.budget, cause: task.activationId };
}

function error(text: string): { readonly payload: JsonValue } {
  return { payload: { error: text } };
}

function withResult(last: LastResult, result: JsonValue): LastResult {
  const json = JSON.stringify(result);
  return { status: last.status, result, json, sizeBytes: Buffer.byteLength(json) };
}
