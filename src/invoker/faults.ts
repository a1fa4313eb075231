import { faultTable } from '../lib/index.ts';

export const invokerFault = faultTable({
  TOO_MANY_PER_MINUTE: 'throttled',
  TOO_MANY_CONCURRENT: 'throttled',
  INVOKER_BUSY: 'busy',
  INVOKER_CLOSED: 'busy',
  KIND_UNKNOWN: 'invalid',
  ACTION_TOO_LARGE: 'busy',
});
