import { type FaultTable, faultTable, hostTroubleOf, isFault } from '../lib/index.ts';

/** Faults that dispatchers and invokers share. Faults that only an invoker can find have their own table. */
export const dispatchFaults = {
  TOO_MANY_PER_MINUTE: 'throttled',
  TOO_MANY_CONCURRENT: 'throttled',
  /** When a sandbox was ready, the owner of the job no longer wanted it to begin. */
  JOB_WITHDRAWN: 'busy',
  /** The store has no image of that name. */
  IMAGE_UNKNOWN: 'invalid',
  /** No invoker has gVisor, or gVisor cannot run actions of that kind. */
  TIER_UNAVAILABLE: 'invalid',
  /** The bytes from the other side are not a message, or the message is out of order. */
  MESSAGE_INVALID: 'unreachable',
  MESSAGE_TOO_LARGE: 'too-large',
  MESSAGE_VERSION_UNKNOWN: 'unreachable',
  /** The invoker that has the job is not heard any more, or no longer knows the job. */
  INVOKER_LOST: 'unreachable',
  /** No invoker is heard, so nothing was tried. */
  INVOKERS_UNREACHABLE: 'busy',
  /** Too many jobs wait for a sandbox of the invoker. */
  INVOKER_BUSY: 'overloaded',
  /** The invoker stops, or takes no new work. */
  INVOKER_CLOSED: 'busy',
  /** Every invoker that could run it has too much to do. */
  INVOKERS_BUSY: 'overloaded',
  /** Invokers are heard, and none of them can ever run it. */
  INVOKERS_UNFIT: 'busy',
  /** API nodes refuse the invoker, or it does not reach them, so it can't get the code or the image. */
  INVOKER_CUT_OFF: 'busy',
  NODE_NAME_INVALID: 'invalid',
  /** Another node of the cluster has that name. */
  NODE_NAME_TAKEN: 'conflict',
} as const satisfies FaultTable;

/** With these codes, the job has not begun. */
const elsewhereCodes: ReadonlySet<string> = new Set([
  'INVOKER_BUSY',
  'INVOKER_CLOSED',
  'INVOKERS_BUSY',
  'INVOKER_CUT_OFF',
  // Another one may have a copy.
  'BLOB_STORE_UNREACHABLE',
  'ACTION_TOO_LARGE',
]);

/** How a job has settled that an invoker refused: only trouble of its machine says something about the next jobs. */
export function howRefused(refusal: unknown): 'refused' | 'in trouble' {
  const isTrouble = isFault(refusal, 'INVOKER_CUT_OFF') || hostTroubleOf(refusal) !== undefined;
  return isTrouble ? 'in trouble' : 'refused';
}

/** Whether another invoker may do better with a job that one has refused. */
export function mayGoElsewhere(refusal: unknown): boolean {
  return (isFault(refusal) && elsewhereCodes.has(refusal.code)) || hostTroubleOf(refusal) !== undefined;
}

export const dispatchFault = faultTable(dispatchFaults);

/** The text of OpenWhisk, whose clients know it. */
const overloadedText = 'System is overloaded, try again later.';

export function invokerBusy(retryAfterMs: number) {
  const hint =
    'too many calls wait for a sandbox: wait, or have the operator raise `invoker.memoryMiB` or add a node';
  return dispatchFault('INVOKER_BUSY', overloadedText, { hint, retryAfterMs });
}

export function invokersBusy() {
  const hint = 'no node has room for the call: wait, or have the operator add one';
  return dispatchFault('INVOKERS_BUSY', overloadedText, { hint, retryAfterMs: retryMs });
}

/** Another node can run it meanwhile. */
export function earlierAttemptRuns() {
  const text = 'an earlier attempt of the activation still runs';
  return dispatchFault('INVOKERS_BUSY', text, { hint: 'try again', retryAfterMs: retryMs });
}

export function invokerClosed(why = 'the platform is shutting down') {
  return dispatchFault('INVOKER_CLOSED', why, { hint: 'try again', retryAfterMs: retryMs });
}

export function jobWithdrawn() {
  return dispatchFault('JOB_WITHDRAWN', 'the activation was withdrawn before it began');
}

/** @param why what was seen of it last */
export function invokerLost(node: string, why: string) {
  return dispatchFault('INVOKER_LOST', `The activation was interrupted: node ${node} had it, and ${why}`);
}

/** When a caller should try again. */
export const retryMs = 1_000;

export function invokersUnreachable(message: string, cause?: unknown) {
  return dispatchFault('INVOKERS_UNREACHABLE', message, {
    hint: 'try again; an operator can look whether the bus and the invokers run',
    retryAfterMs: retryMs,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** @param cause for the log of the invoker: the caller can't do anything about it */
export function invokerCutOff(cause: unknown) {
  return dispatchFault('INVOKER_CUT_OFF', 'the node that was to run the call can’t get its code or image', {
    hint: 'try again; an operator can look into the log of that node',
    retryAfterMs: retryMs,
    cause,
  });
}

/** The text is OpenWhisk's. */
export function imageUnknown(name: string, cause?: unknown) {
  return dispatchFault('IMAGE_UNKNOWN', `Failed to pull container image '${name.slice(0, 255)}'.`, {
    hint: 'push the image to this Ward first',
    ...(cause === undefined ? {} : { cause }),
  });
}
