/** What can go wrong with settings of log forwarding. */
import { faultTable } from '../lib/index.ts';

export const forwardingFaults = {
  /** Settings that name no destination, or one that Ward can't reach that way. */
  DESTINATION_INVALID: 'invalid',
} as const;

export const forwardingFault = faultTable(forwardingFaults);
