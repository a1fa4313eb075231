/**
 * Maps the outcome in a sandbox to OpenWhisk's status, result and fixed texts, which clients match (OpenWhisk
 * `http/ErrorResponse.scala`).
 */
import {
  type ActionLimits,
  type CompletionStatus,
  defaultResultBytes,
  tooLargeText,
} from '../../dispatch/index.ts';
import type { JsonValue } from '../../lib/index.ts';
import type { Failure, InitOutcome, RunOutcome } from './runner.ts';

export interface ActivationResponse {
  readonly status: CompletionStatus;
  readonly result: JsonValue;
  /** The result, serialised. */
  readonly json: string;
  /** The same in UTF-8, if it is large. */
  readonly utf8?: Buffer<ArrayBuffer>;
  readonly timedOut: boolean;
}

/** Size up to which an answer is read whole and measured: serialised differently, it may be within the limit. */
export function wholeBytes(resultBytes: number): number {
  return resultBytes + 3 * 1024 * 1024;
}

const shownBytes = 2048;

export function responseOfRun(
  outcome: RunOutcome,
  limits: ActionLimits,
  resultBytes = defaultResultBytes,
): ActivationResponse {
  if (outcome.kind === 'value') return responseOfValue(outcome, resultBytes);
  if (outcome.kind === 'too-large')
    return tooLarge(outcome.lengthBytes, resultBytes, outcome.head.slice(0, shownBytes));
  if (outcome.kind !== 'failed') return developerError(outcome.error, resultBytes);
  return responseOfFailure(outcome.failure, limits, 'run');
}

/** The response to a failed initialisation. */
export function responseOfInit(
  outcome: Exclude<InitOutcome, { kind: 'ok' }>,
  limits: ActionLimits,
  resultBytes = defaultResultBytes,
): ActivationResponse {
  if (outcome.kind === 'failed') return responseOfFailure(outcome.failure, limits, 'init');
  return developerError(outcome.error, resultBytes);
}

/** The platform's own failure. Tells the caller that the action was not at fault. */
export function internalError(text: string): ActivationResponse {
  return errorResponse('whisk internal error', text, false);
}

function responseOfValue(
  { value, json, utf8 }: Extract<RunOutcome, { kind: 'value' }>,
  resultBytes: number,
): ActivationResponse {
  const bytes = utf8?.length ?? Buffer.byteLength(json);
  if (bytes > resultBytes) return tooLarge(bytes, resultBytes, json.slice(0, shownBytes));
  const hasError = typeof value === 'object' && value !== null && !Array.isArray(value) && 'error' in value;
  const status = hasError ? 'application error' : 'success';
  return { status, result: value, json, timedOut: false, ...(utf8 === undefined ? {} : { utf8 }) };
}

function tooLarge(
  bytes: number,
  resultBytes: number,
  head: string,
  status: CompletionStatus = 'application error',
): ActivationResponse {
  return errorResponse(status, tooLargeText(bytes, resultBytes, head), false);
}

function responseOfFailure(
  failure: Failure,
  limits: ActionLimits,
  phase: 'init' | 'run',
): ActivationResponse {
  const exited =
    phase === 'init'
      ? 'The action did not initialize and exited unexpectedly.'
      : 'The action did not produce a valid response and exited unexpectedly.';
  const during = phase === 'init' ? ' during initialization' : '';
  const texts: Readonly<Record<Failure, string>> = {
    timeout: `The action exceeded its time limits of ${limits.timeoutMs} milliseconds${during}.`,
    'out-of-memory': 'The action exhausted its memory and was aborted.',
    'forbidden-call': 'The action made a system call that its sandbox forbids and was aborted.',
    exited,
    'channel-closed': 'The action closed its channel to the platform and was aborted.',
    violation: 'The action wrote something to its channel that is not a response and was aborted.',
    unreachable: 'The platform lost its way to the action.',
    ended: 'The platform ended the action while it was running.',
    cancelled: 'The activation was cancelled.',
  };
  if (failure === 'ended' || failure === 'unreachable' || failure === 'cancelled')
    return internalError(texts[failure]);
  return errorResponse('action developer error', texts[failure], failure === 'timeout');
}

/** A program names its errors, so they can be as large as its values. */
function developerError(error: JsonValue, resultBytes: number): ActivationResponse {
  const response = errorResponse('action developer error', error, false);
  const bytes = Buffer.byteLength(response.json);
  if (bytes <= resultBytes) return response;
  return tooLarge(bytes, resultBytes, response.json.slice(0, shownBytes), response.status);
}

function errorResponse(status: CompletionStatus, error: JsonValue, timedOut: boolean): ActivationResponse {
  const result = { error };
  return { status, result, json: JSON.stringify(result), timedOut };
}
