import { type FaultTable, faultTable } from '../lib/index.ts';

export const invokerFaults = {
  KIND_UNKNOWN: 'invalid',
  /** An image in which no sandbox can be started. */
  IMAGE_UNUSABLE: 'invalid',
  ACTION_TOO_LARGE: 'busy',
} as const satisfies FaultTable;

export const invokerFault = faultTable(invokerFaults);
