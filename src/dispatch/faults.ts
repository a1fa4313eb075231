import { type FaultTable, faultTable } from '../lib/index.ts';

/** What either side of the wall says; what only an invoker finds out is in its own table. */
export const dispatchFaults = {
  TOO_MANY_PER_MINUTE: 'throttled',
  TOO_MANY_CONCURRENT: 'throttled',
  /** It was not to be begun any more when a sandbox was there. */
  JOB_WITHDRAWN: 'busy',
  /** No image of that name is in the store. */
  IMAGE_UNKNOWN: 'invalid',
  /** No invoker has gVisor, or it can't run actions of that kind. */
  TIER_UNAVAILABLE: 'invalid',
  /** What came from the other end of the wire is not a message, or out of order. */
  MESSAGE_INVALID: 'unreachable',
  MESSAGE_TOO_LARGE: 'too-large',
  MESSAGE_VERSION_UNKNOWN: 'unreachable',
} as const satisfies FaultTable;

export const dispatchFault = faultTable(dispatchFaults);

export function jobWithdrawn() {
  return dispatchFault('JOB_WITHDRAWN', 'the activation is not to be begun any more');
}

/** The text is OpenWhisk's. */
export function imageUnknown(name: string, cause?: unknown) {
  return dispatchFault('IMAGE_UNKNOWN', `Failed to pull container image '${name.slice(0, 255)}'.`, {
    hint: 'push the image to this Ward first',
    ...(cause === undefined ? {} : { cause }),
  });
}
