import { type FaultTable, faultTable } from '../lib/index.ts';

export const invokerFaults = {
  TOO_MANY_PER_MINUTE: 'throttled',
  TOO_MANY_CONCURRENT: 'throttled',
  INVOKER_BUSY: 'busy',
  INVOKER_CLOSED: 'busy',
  KIND_UNKNOWN: 'invalid',
  ACTION_TOO_LARGE: 'busy',
} as const satisfies FaultTable;

export const invokerFault = faultTable(invokerFaults);
