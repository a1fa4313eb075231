/** Runs the parts of sequences and compositions. Each part is an activation, whose cause is the whole. */
import type { CompletionStatus, Dispatcher } from '../../dispatch/index.ts';
import { type JsonObject, type JsonValue, withTimeout } from '../../lib/index.ts';
import type { ActivationStore } from '../../store/index.ts';
import type { CodeGate } from '../actions/code-gate.ts';
import { frameOf, type RecordFrame } from '../actions/record-frame.ts';
import { mergeArguments, type ResolvedAction, targetOf } from '../actions/resolved-action.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { Caller, CompositionBudget } from './composed-call.ts';
import type { Executions } from './executions.ts';
import { newCodeTask, newTask } from './new-task.ts';
import type { ActivationRecord } from './record.ts';
import { readResult } from './result.ts';
import { loadPermission } from './run-permission.ts';
import type { Task } from './task.ts';

export interface Part {
  readonly resolved: ResolvedAction;
  readonly payload: JsonObject | readonly JsonValue[];
  readonly caller: Caller;
  /** Activation id of the whole. */
  readonly cause: string;
  readonly budget: CompositionBudget;
}

/** How a part ended. It has no record if the part did not end in time. */
export interface PartOutcome {
  readonly activationId: string;
  readonly record: ActivationRecord | undefined;
}

export interface Components {
  /** Rejects if the part could not be run at all. */
  run(part: Part): Promise<PartOutcome>;
  /** Runs a conductor as plain code. */
  runConductor(part: Part): Promise<PartOutcome>;
  /** Gets a sandbox ready for an action that will be called soon. */
  warm(resolved: ResolvedAction, owner: Identity): void;
}

export interface ComponentOptions {
  readonly executions: Pick<Executions, 'begin' | 'run' | 'cancel' | 'fail'>;
  readonly activations: Pick<ActivationStore, 'room'>;
  readonly dispatcher: Pick<Dispatcher, 'warm'>;
  readonly gate?: Pick<CodeGate, 'mayRun'> | undefined;
}

/** How long OpenWhisk waits beyond the time limit of the part. */
const patienceMs = 60_000;
const notBegun = 'The activation did not begin before the end of the one that it is a part of.';

export function createComponents({
  executions,
  activations,
  dispatcher,
  gate,
}: ComponentOptions): Components {
  const run = async (
    task: Task,
    frame: RecordFrame,
    { resolved, caller, budget }: Part,
  ): Promise<PartOutcome> => {
    await activations.room();
    const { createdAt: namespaceCreatedAt, limits } = caller.identity;
    const execution = executions.begin({
      task,
      frame,
      namespaceCreatedAt,
      isRecorded: limits.storeActivations !== false,
      allowed: limits,
      ...(task.type === 'composed' ? { call: { resolved, caller, budget } } : {}),
    });
    const { activationId } = task;
    let isLate = false;
    const running = executions.run(execution).catch((error: unknown) => {
      // The log of the whole names it by now.
      if (isLate) executions.fail(execution, notBegun);
      else executions.cancel(execution);
      throw error;
    });
    if (task.type === 'composed') return { activationId, record: await running };
    const record = await withTimeout(running, task.limits.timeoutMs + patienceMs, () => {
      isLate = true;
      return undefined;
    });
    return { activationId, record };
  };

  return {
    run(part) {
      return run(newTask(part), part.resolved.frame, part);
    },
    async runConductor(part) {
      const { resolved } = part;
      if (resolved.plan.type !== 'code') throw new Error('a conductor is code');
      const { action, fullName: name, limits, binding } = resolved;
      const frame = frameOf({
        action: name,
        version: action.version,
        kind: action.exec.kind,
        limits,
        binding,
      });
      return run(newCodeTask(part, resolved.plan), frame, part);
    },
    warm(resolved, owner) {
      const { plan } = resolved;
      // Code that is given the caller's key may read it when it is loaded, so it is not loaded before the call.
      if (plan.type !== 'code' || plan.scaling?.fresh === true || resolved.providesApiKey) return;
      const { initEnv } = mergeArguments(resolved, {});
      const target = targetOf(resolved, plan, owner, initEnv);
      if (loadPermission(gate, target) === 'allowed') dispatcher.warm(target);
    },
  };
}

/** What a whole needs to know of its last part. */
export interface LastResult {
  readonly status: CompletionStatus;
  readonly result: JsonValue;
  readonly json: string;
  readonly sizeBytes: number;
}

export function lastOf({ status, result, sizeBytes }: ActivationRecord): LastResult {
  const { value, json } = readResult(result);
  return { status, result: value, json, sizeBytes };
}

export function failed(status: CompletionStatus, error: string): LastResult {
  const result = { error };
  const json = JSON.stringify(result);
  return { status, result, json, sizeBytes: Buffer.byteLength(json) };
}
