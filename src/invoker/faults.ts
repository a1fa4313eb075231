import { type FaultTable, faultTable } from '../lib/index.ts';

export const invokerFaults = {
  TOO_MANY_PER_MINUTE: 'throttled',
  TOO_MANY_CONCURRENT: 'throttled',
  INVOKER_BUSY: 'busy',
  INVOKER_CLOSED: 'busy',
  /** It was not to be begun any more when a sandbox was there. */
  JOB_WITHDRAWN: 'busy',
  KIND_UNKNOWN: 'invalid',
  /** No image of that name is in the store. */
  IMAGE_UNKNOWN: 'invalid',
  /** An image in which no sandbox can be started. */
  IMAGE_UNUSABLE: 'invalid',
  ACTION_TOO_LARGE: 'busy',
  /** This host has no gVisor, or it can't run actions of that kind. */
  TIER_UNAVAILABLE: 'invalid',
} as const satisfies FaultTable;

export const invokerFault = faultTable(invokerFaults);

export function invokerClosed() {
  return invokerFault('INVOKER_CLOSED', 'the platform is shutting down');
}

export function jobWithdrawn() {
  return invokerFault('JOB_WITHDRAWN', 'the activation is not to be begun any more');
}

/** The text is OpenWhisk's. */
export function imageUnknown(name: string, cause?: unknown) {
  return invokerFault('IMAGE_UNKNOWN', `Failed to pull container image '${name.slice(0, 255)}'.`, {
    hint: 'push the image to this Ward first',
    ...(cause === undefined ? {} : { cause }),
  });
}
