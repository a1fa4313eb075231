/** Runs an execution: asks the gate, then runs it in a sandbox or by its parts, until it ends or is cut short. */
import {
  type Dispatcher,
  formatLine,
  type Handover,
  type JobEnd,
  jobWithdrawn,
  mainReason,
  type WaitReason,
  withLine,
} from '../../dispatch/index.ts';
import { type Fault, hostTroubleOf, isFault } from '../../lib/index.ts';
import type { CodeGate } from '../actions/code-gate.ts';
import { blackboxKind, isEmptyCode } from '../actions/exec.ts';
import type { LentScope } from '../namespaces/key-scopes.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { DiskAdmission } from '../namespaces/quotas.ts';
import type { ComposedCall } from './composed-call.ts';
import type { Execution } from './execution.ts';
import { type AllowedLimits, hintFor } from './hints.ts';
import {
  type ActivationEnd,
  type ActivationRecord,
  developerFailure,
  interruptedFailure,
  lostFailure,
} from './record.ts';
import { requireRun } from './run-permission.ts';
import type { CodeTask, ComposedTask } from './task.ts';

export interface RunOptions {
  readonly dispatcher: Pick<Dispatcher, 'run' | 'cancel'>;
  /** Runs what is not code; its parts ask whether it may begin. Rejects if it cannot even begin. */
  readonly compose: (
    task: ComposedTask,
    call: ComposedCall | undefined,
    handover: Handover,
  ) => Promise<ActivationEnd>;
  readonly gate?: Pick<CodeGate, 'mayRun'> | undefined;
  readonly namespaces: Pick<NamespaceService, 'lendKey'>;
  readonly disk?: Pick<DiskAdmission, 'admitCall'> | undefined;
  /** Told of each call that is refused because the platform has no room for it. Calls that wait are not refused. */
  readonly onOverload?: ((fault: Fault) => void) | undefined;
  /** This process ends, and leaves what has not begun to the next start. */
  readonly isDraining: () => boolean;
}

/** Pause before retrying a call that could not begin because of trouble on the machine. */
const retryMs = 1000;

const interrupted = 'The activation was interrupted because the platform stopped before it ended.';

const cancelled = 'The activation was cancelled.';

/** It is nobody's failure, least of all the platform's. */
function cancelledEnd(end: ActivationEnd): ActivationEnd {
  const result = { error: cancelled };
  const json = JSON.stringify(result);
  return { ...end, status: 'action developer error', result, json, sizeBytes: Buffer.byteLength(json) };
}

/** The text of OpenWhisk's runtimes at their initialisation. */
const noCode = 'Missing main/no code to execute.';

/** No runtime is started without code. An image contains its program. */
function lacksCode({ kind, code }: CodeTask): boolean {
  return kind !== blackboxKind && isEmptyCode(code);
}

function runCode(options: RunOptions, task: CodeTask, handover: Handover): Promise<JobEnd> {
  const { lentScope } = task;
  return lentScope === undefined
    ? options.dispatcher.run(task, handover)
    : runWithLentKey(options, task, lentScope, handover);
}

async function runWithLentKey(
  { dispatcher, namespaces }: RunOptions,
  task: CodeTask,
  scope: LentScope,
  handover: Handover,
): Promise<JobEnd> {
  using lent = await namespaces.lendKey(task.namespace, scope);
  return await dispatcher.run(lent === undefined ? task : { ...task, apiKey: lent.key }, handover);
}

/** A verdict older than this is asked for again when a sandbox takes the call. */
const verdictAgeMs = 1000;

/**
 * Asks the gate again at the handover: a call may wait long for its sandbox, and the gate may have denied its image
 * or code in the meantime.
 */
function guarded(gate: RunOptions['gate'], task: CodeTask, execution: Execution): Handover {
  if (gate === undefined) return execution;
  const allowedAt = performance.now();
  return {
    get isPrompt() {
      return execution.isPrompt;
    },
    begin() {
      const isFresh = performance.now() - allowedAt < verdictAgeMs;
      const judging = isFresh ? undefined : requireRun(gate, task);
      return judging instanceof Promise ? judging.then(() => execution.begin()) : execution.begin();
    },
  };
}

/** Ends the execution once, by the invoker's report or by an interruption, and releases it. */
export function runToEnd(
  options: RunOptions,
  execution: Execution,
  onEnd: (end: ActivationEnd) => ActivationRecord,
): Promise<ActivationRecord> {
  const { compose, gate, disk } = options;
  return new Promise((resolve, reject) => {
    const finish = (end: ActivationEnd) => {
      if (execution.isOver) return;
      resolve(onEnd(end));
      execution.release();
    };
    const leave = (error: unknown) => {
      execution.isOver = true;
      execution.interrupt = undefined;
      execution.withdraw = undefined;
      execution.stop = undefined;
      execution.release();
      reject(error);
    };
    /** With its record, once it is known whether it begins. */
    const finishCancelled = () =>
      void execution.settled().then(() => finish(developerFailure(execution.task, cancelled)));
    const refuse = (error: unknown) => {
      if (execution.isOver) return;
      if (execution.isCancelled) return finishCancelled();
      // As in OpenWhisk, an image that cannot be used ends the activation instead of refusing the call.
      if (isFault(error, 'IMAGE_UNKNOWN') || isFault(error, 'IMAGE_UNUSABLE'))
        return finish(developerFailure(execution.task, error.message));
      if (isFault(error, 'INVOKER_CLOSED') && execution.canWait && options.isDraining())
        execution.withdraw?.();
      else if (isFault(error, 'INVOKER_LOST')) {
        if (execution.allowAgain()) beginLater();
        else finish(lostFailure(execution.task, error.message));
      } else if (passingReasonOf(error) !== undefined && isDurableOrPart(execution)) {
        execution.waitReason = mainReason(execution.waitReason, passingReasonOf(error));
        beginLater();
      } else {
        if (isFault(error) && error.kind === 'overloaded') options.onOverload?.(error);
        leave(error);
      }
    };
    /** What ends it while it is being claimed waits for that: otherwise its record would not settle the claimed row. */
    const onceClaimed =
      <T>(go: (value: T) => void) =>
      (value: T) =>
        execution.isBeginning ? execution.settled().then(() => go(value)) : go(value);
    /**
     * Retries later. If the disk fails, descriptors run out or no invoker is heard, no sandbox starts; calls in the
     * durable queue and parts wait.
     */
    const beginLater = () => {
      const again = () => {
        if (execution.isOver) return;
        if (execution.isCancelled) finishCancelled();
        else if (mayBegin(disk)) begin();
        else beginLater();
      };
      setTimeout(again, retryMs).unref();
    };
    const { task, call } = execution;
    const start = (image: CodeTask['image']) => {
      if (execution.isOver) return;
      if (execution.isCancelled) return finishCancelled();
      if (task.type === 'code' && lacksCode(task)) return finish(developerFailure(task, noCode));
      if (task.type !== 'code') return void compose(task, call, execution).then(finish).catch(refuse);
      const judged = image === task.image ? task : { ...task, image };
      const explain = ({ completion, log }: JobEnd) => {
        const waitReason = mainReason(execution.waitReason, completion.waitReason);
        const end = { ...completion, waitReason, log };
        if (execution.isCancelled && end.status === 'whisk internal error') finish(cancelledEnd(end));
        else if (end.status === 'success') finish(end);
        else explained(task, end, execution.allowed).then(finish, refuse);
      };
      runCode(options, judged, guarded(gate, judged, execution))
        .then(onceClaimed(explain))
        .catch(onceClaimed(refuse));
    };
    const begin = () => {
      try {
        const judging = task.type === 'code' ? requireRun(gate, task) : undefined;
        if (judging instanceof Promise) judging.then(start).catch(refuse);
        else start(judging);
      } catch (error) {
        refuse(error);
      }
    };
    if (execution.isOver) return leave(jobWithdrawn());
    execution.interrupt = () => finish(interruptedFailure(execution, interrupted));
    execution.stop = () => {
      execution.isCancelled = true;
      // The parts of others are cancelled by themselves.
      if (task.type === 'code') options.dispatcher.cancel(task.activationId);
      else finishCancelled();
    };
    execution.withdraw = () => {
      execution.isWithdrawn = true;
      leave(jobWithdrawn());
    };
    begin();
  });
}

/** Such an execution must not fail for temporary trouble: a caller was promised it, or other parts have run. */
function isDurableOrPart({ attempt, hasBegun, task }: Execution): boolean {
  return (typeof attempt === 'number' && !hasBegun) || task.cause !== undefined;
}

/** A cluster has other invokers, or other work, a moment later; the gate's database answers again. */
const passingCodes: ReadonlyMap<string, WaitReason> = new Map([
  ['INVOKERS_UNREACHABLE', 'no node that runs calls was heard'],
  ['INVOKERS_BUSY', 'all nodes had too much to do'],
  ['INVOKER_CLOSED', 'a node that was asked first could not take it'],
  ['INVOKER_CUT_OFF', 'a node that was asked first could not take it'],
  ['BLOB_STORE_UNREACHABLE', 'a node that was asked first could not take it'],
  ['INVOKER_BUSY', 'too many calls were waiting for a sandbox'],
  ['INVOKERS_UNFIT', 'no node could run it'],
  ['RUN_UNJUDGED', 'the gate could not judge its code'],
]);

/** Why a call waits that met the error. Undefined: another try would meet it, too. */
function passingReasonOf(error: unknown): WaitReason | undefined {
  const known = isFault(error) ? passingCodes.get(error.code) : undefined;
  if (known !== undefined || hostTroubleOf(error) === undefined) return known;
  return 'the machine lacked disk space, descriptors or memory, or a disk failed';
}

function mayBegin(disk: RunOptions['disk']): boolean {
  try {
    disk?.admitCall(true);
    return true;
  } catch {
    return false;
  }
}

/** Adds a hint, if there is one, to the record and as the last line of the log. */
async function explained(
  task: CodeTask,
  end: ActivationEnd,
  allowed: AllowedLimits | undefined,
): Promise<ActivationEnd> {
  const hint = await hintFor(task, end, allowed);
  if (hint === undefined) return end;
  if (task.limits.logBytes === 0) return { ...end, hint };
  const line = formatLine('stderr', `hint: ${hint}`);
  return { ...end, hint, log: end.log.then((log) => withLine(log, line)) };
}
