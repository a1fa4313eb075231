/**
 * Sequences: each action is called with the result of the previous one. An error ends the sequence. Texts and the
 * order of checks are OpenWhisk's (docs/actions.md, SequenceActions).
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
import { parseFullName } from '../entities/names.ts';
import { type Components, failed, type LastResult, lastOf } from './components.ts';
import { type ComposedCall, newBudget, resolvePart } from './composed-call.ts';
import type { ActivationEnd } from './record.ts';
import { Tally } from './tally.ts';
import type { ComposedTask } from './task.ts';
import { callIds } from './trace-context.ts';

export interface SequenceOptions {
  readonly actions: Pick<ActionService, 'resolve'>;
  readonly components: Components;
  /** Maximum of actions, including all sequences within. */
  readonly maxLength: number;
  readonly log: Log;
}

type Payload = JsonObject | readonly JsonValue[];

export async function runSequence(
  options: SequenceOptions,
  task: ComposedTask,
  call: ComposedCall,
  names: readonly string[],
): Promise<ActivationEnd> {
  const tally = new Tally(0);
  warmLater(options, call, names.slice(1));
  let payload: Payload = task.parameters;
  let last: LastResult | undefined;
  for (const name of names) {
    last = await runStep(options, { task, call, tally, name, payload });
    if (!hasNoError(last)) break;
    payload = payloadOf(last.result);
  }
  return tally.end(last ?? failed('application error', 'No component specified for the sequence.'));
}

interface SequenceStep {
  readonly task: ComposedTask;
  readonly call: ComposedCall;
  readonly tally: Tally;
  readonly name: string;
  readonly payload: Payload;
}

async function runStep(options: SequenceOptions, step: SequenceStep): Promise<LastResult> {
  const { caller, budget } = step.call;
  if (budget.atomic >= options.maxLength) {
    return failed('application error', 'Too many actions in the sequence.');
  }
  try {
    const resolved = await resolveStep(options, step);
    if (resolved === undefined) return failed('application error', 'Sequence component does not exist.');
    if (resolved.plan.type !== 'sequence') budget.atomic++;
    const { payload, task } = step;
    // Sequences within share the budget; a composition has its own.
    const inner = resolved.plan.type === 'sequence' ? budget : newBudget();
    const part = { resolved, payload, caller, cause: task.activationId, budget: inner };
    const outcome = await options.components.run(part);
    step.tally.add(outcome);
    if (outcome.record !== undefined) return lastOf(outcome.record);
    const { activationId: id } = outcome;
    return failed(
      'whisk internal error',
      `Timeout reached when retrieving activation ${id} for sequence component.`,
    );
  } catch (error) {
    if (!isFault(error, 'JOB_WITHDRAWN'))
      options.log.warn(
        { ...callIds(step.task), component: step.name, reason: messageOf(error) },
        'a sequence failed',
      );
    return failed('whisk internal error', 'Sequence failed.');
  }
}

/** Undefined if the action no longer exists. */
async function resolveStep(
  { actions }: SequenceOptions,
  { name, call }: SequenceStep,
): Promise<ResolvedAction | undefined> {
  const { namespace } = call.caller.identity;
  try {
    return await resolvePart(actions, parseFullName(name, namespace), call.caller);
  } catch (error) {
    if (isFault(error) && error.kind !== 'host') return undefined;
    throw error;
  }
}

/** Gets sandboxes for the later actions while the first one runs. */
function warmLater({ actions, components }: SequenceOptions, call: ComposedCall, names: readonly string[]) {
  const { identity } = call.caller;
  const { namespace } = identity;
  for (const name of new Set(names)) {
    const warm = async () =>
      components.warm(await actions.resolve(parseFullName(name, namespace), namespace), identity);
    // A component that cannot be resolved now is reported at its turn.
    warm().catch(() => {});
  }
}

function hasNoError({ result }: LastResult): boolean {
  return !isJsonObject(result) || result['error'] === undefined;
}

function payloadOf(result: JsonValue): Payload {
  if (Array.isArray(result)) return result;
  return isJsonObject(result) ? result : {};
}
