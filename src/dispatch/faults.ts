import { type FaultTable, faultTable } from '../lib/index.ts';

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
} as const satisfies FaultTable;

export const dispatchFault = faultTable(dispatchFaults);

export function jobWithdrawn() {
  return dispatchFault('JOB_WITHDRAWN', 'the activation was withdrawn before it began');
}

/** The text is OpenWhisk's. */
export function imageUnknown(name: string, cause?: unknown) {
  return dispatchFault('IMAGE_UNKNOWN', `Failed to pull container image '${name.slice(0, 255)}'.`, {
    hint: 'push the image to this Ward first',
    ...(cause === undefined ? {} : { cause }),
  });
}
