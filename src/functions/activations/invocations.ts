/**
 * Invokes an action: resolves it, merges its parameters with the call's, asks for admission, runs it, and answers
 * when it ends (blocking, as long as the caller may wait) or as soon as it is durable (non-blocking). A blocking call
 * that outlasts its wait becomes an accepted one.
 *
 * While Ward closes, a blocking call is refused, and a non-blocking one is made durable for the next process, because
 * webhooks and alarms do not call again.
 */
import type { Admission, AdmissionControl, NamespaceLimits, RateUsage } from '../../dispatch/index.ts';
import { isFault, type JsonObject, type Log } from '../../lib/index.ts';
import type { AcceptedQueue, ActivationStore, Recording } from '../../store/index.ts';
import type { ActionService } from '../actions/actions.ts';
import type { CodeGate } from '../actions/code-gate.ts';
import { checkPayload, type ResolvedAction } from '../actions/resolved-action.ts';
import { type EntityRef, type NamespaceName, parseFullName } from '../entities/names.ts';
import { notFound, shuttingDown } from '../faults.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { DiskAdmission } from '../namespaces/quotas.ts';
import type { Vault } from '../vault/vault.ts';
import { captureInput } from './captured-input.ts';
import { type Caller, newBudget } from './composed-call.ts';
import type { Execution, ExecutionPlan } from './execution.ts';
import type { Executions } from './executions.ts';
import { newTask } from './new-task.ts';
import type { QueueLease } from './queue-lease.ts';
import type { ActivationRecord } from './record.ts';
import { createResumption, type ResumeReport } from './resume.ts';
import { requireAcceptable } from './run-permission.ts';
import type { Task } from './task.ts';
import { type Tracing, traceOf } from './trace-context.ts';

export interface InvokeRequest {
  readonly identity: Identity;
  readonly action: EntityRef;
  readonly payload: JsonObject;
  /** How long to wait for the result. Undefined: not at all (non-blocking). */
  readonly waitMs: number | undefined;
  readonly transactionId: string;
  /** The caller's `Authorization` header, for actions that are given the caller's key. */
  readonly authorization: string | undefined;
  /** The header of that name. */
  readonly traceparent?: string | undefined;
  /** A new id that was never used, for a caller that must know it in advance. */
  readonly activationId?: string;
}

/** The activation, and its record if it ended while the caller waited. */
export interface InvokeAnswer {
  readonly activationId: string;
  readonly record: ActivationRecord | undefined;
  /** The disk accepts no writes now, so a record cannot be promised. */
  readonly isRecordLost: boolean;
}

export interface InvocationService {
  /**
   * @throws Fault NOT_FOUND, NOT_AUTHORIZED, WRONG_COLLECTION, PARAMETERS_NOT_ALLOWED, RUN_REFUSED, RUN_UNJUDGED, SHUTTING_DOWN,
   * TOO_MANY_PER_MINUTE, TOO_MANY_CONCURRENT, and the invoker's `busy` ones
   */
  invoke(request: InvokeRequest): Promise<InvokeAnswer>;
  /** The activation that a request has begun and that has not ended. @throws Fault NOT_FOUND */
  underWay(namespace: string, transactionId: string): string;
  /** The namespace's remaining invocations in this minute. */
  usage(identity: Identity): RateUsage;
  /** What this server allows of the namespace's limits. */
  allowed(identity: Identity): NamespaceLimits;
  /**
   * Resumes what a server that is gone accepted and did not end. Calls that had not begun are run. Calls that had
   * begun are recorded as interrupted, or run again if their action says so. Resolves when all of that is done, but
   * waits only a moment for calls that run or have to wait, unless there are too many of them to hold at once.
   */
  resumeAccepted(): Promise<ResumeReport>;
  /**
   * Refuses new blocking invocations, leaves others to the next process, resumes no more of them, and waits for those
   * under way. Those that take too long are recorded as interrupted.
   */
  close(timeoutMs: number): Promise<void>;
}

export interface InvocationOptions {
  readonly actions: Pick<ActionService, 'resolve'>;
  readonly accepted: Pick<AcceptedQueue, 'adopt'>;
  readonly lease: Pick<QueueLease, 'node' | 'held' | 'giveUp'>;
  readonly activations: Pick<ActivationStore, 'room'>;
  readonly admission: Pick<AdmissionControl, 'admit' | 'resume' | 'usage' | 'allowed'>;
  readonly executions: Executions;
  readonly gate?: Pick<CodeGate, 'mayRun'> | undefined;
  readonly disk?: Pick<DiskAdmission, 'admitCall'> | undefined;
  readonly recording: Pick<Recording, 'trouble'>;
  readonly vault: Vault;
  /** Absent: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  readonly log: Log;
}

export function createInvocations(options: InvocationOptions): InvocationService {
  const { executions, gate } = options;
  const resumption = createResumption(options);
  let closing = false;
  const isFailing = () => options.recording.trouble() !== undefined;

  return {
    async invoke(request) {
      if (closing && request.waitMs !== undefined) throw shuttingDown();
      // Checked before anything that must be awaited.
      const { identity, waitMs } = request;
      options.disk?.admitCall(waitMs === undefined);
      const resolving = options.actions.resolve(request.action, identity.namespace);
      const resolved = resolving instanceof Promise ? await resolving : resolving;
      if (resolved.plan.type === 'sequence') await requireComponents(options, resolved, identity.namespace);
      checkPayload(resolved, request.payload);
      const room = options.activations.room();
      if (room !== undefined) await room;
      const { payload, activationId: chosenId } = request;
      const from = callerOf(request, options.tracing);
      let task = newTask({ resolved, caller: from, payload, activationId: chosenId });
      // A blocking call is checked when it starts.
      if (waitMs === undefined && task.type === 'code') await requireAcceptable(gate, task);
      const isForLater = closing;
      if (isForLater) {
        if (waitMs !== undefined) throw shuttingDown();
        // The caller's key is never written to disk, so the call is lent one, like calls of webhooks.
        const caller = { ...from, authorization: undefined };
        task = newTask({ resolved, caller, payload, activationId: task.activationId });
      }
      const admission = options.admission.admit(task.namespace, identity.limits);
      const execution = executions.begin(planOf(request, from, resolved, task, admission));
      const { activationId } = task;
      if (waitMs === undefined) {
        await accept(executions, execution);
        if (isForLater) executions.cancel(execution);
        else void executions.runQueued(execution);
        return { activationId, record: undefined, isRecordLost: false };
      }
      const run = executions.run(execution);
      const record = await firstOf(run, waitMs, () => executions.cancel(execution));
      if (record === undefined) {
        run.catch((error) => executions.failBy(execution, error));
        const isDurable = await executions.enqueueUnderWay(execution);
        return { activationId, record, isRecordLost: !isDurable };
      }
      return { activationId, record, isRecordLost: execution.isRecorded && isFailing() };
    },
    underWay(namespace, transactionId) {
      const execution = executions.ofRequest(namespace, transactionId);
      if (execution === undefined) throw notFound();
      return execution.task.activationId;
    },
    usage: ({ namespace, limits }) => options.admission.usage(namespace, limits),
    allowed: ({ limits }) => options.admission.allowed(limits),
    resumeAccepted: resumption.resume,
    async close(timeoutMs) {
      closing = true;
      // No call is resumed after this line: the drain would not know of it.
      const resumed = resumption.close();
      await executions.drain(timeoutMs);
      await resumed;
    },
  };
}

/**
 * Like OpenWhisk, refuses a sequence before any of it runs if its caller may no longer use a component. A component
 * that no longer exists fails the sequence at its turn.
 * @throws Fault NOT_AUTHORIZED
 */
async function requireComponents(
  { actions }: Pick<InvocationOptions, 'actions'>,
  { plan }: ResolvedAction,
  caller: NamespaceName,
): Promise<void> {
  const names = plan.type === 'sequence' ? plan.components : [];
  for (const ref of names.map((name) => parseFullName(name, caller))) {
    if (ref.namespace === caller) continue;
    try {
      await actions.resolve(ref, caller);
    } catch (error) {
      if (isFault(error, 'NOT_AUTHORIZED')) throw error;
    }
  }
}

function callerOf(request: InvokeRequest, tracing: Tracing | undefined): Caller {
  if (tracing === undefined) return request;
  const { identity, transactionId, authorization, traceparent } = request;
  return { identity, transactionId, authorization, trace: traceOf(traceparent, transactionId, tracing) };
}

function planOf(
  request: InvokeRequest,
  caller: Caller,
  resolved: ResolvedAction,
  task: Task,
  admission: Admission,
): ExecutionPlan {
  const { identity, payload } = request;
  return {
    task,
    frame: resolved.frame,
    namespaceCreatedAt: identity.createdAt,
    isRecorded: identity.limits.storeActivations !== false,
    allowed: identity.limits,
    call: task.type === 'composed' ? { resolved, caller, budget: newBudget() } : undefined,
    inputJson: resolved.capturesInput ? captureInput(payload) : undefined,
    admission,
  };
}

/** Resolves when the execution is durable. */
async function accept(executions: Executions, execution: Execution): Promise<void> {
  try {
    await executions.enqueue(execution);
  } catch (error) {
    executions.cancel(execution);
    throw error;
  }
}

/** The result of `run`, or undefined after `waitMs`. A rejection in time is passed on after `refused`. */
function firstOf<T>(run: Promise<T>, waitMs: number, refused: () => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      resolve(undefined);
    }, waitMs);
    run.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        if (isLate) return;
        clearTimeout(timer);
        refused();
        reject(error);
      },
    );
  });
}
