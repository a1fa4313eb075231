import { type FaultTable, faultTable } from '../lib/index.ts';

export const busFaults = {
  BUS_ADDRESS_INVALID: 'invalid',
  /** Larger than the server accepts. */
  BUS_MESSAGE_TOO_LARGE: 'too-large',
  /** The server can't carry Ward's messages. */
  BUS_UNFIT: 'unsupported',
  BUS_DOWN: 'unreachable',
} as const satisfies FaultTable;

export const busFault = faultTable(busFaults);
