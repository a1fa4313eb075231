/** What can go wrong with the ways out of a sandbox. */
import { faultTable } from '../lib/index.ts';

export const egressFaultTable = {
  /** A text that is not a rule, or a rule that cannot be enforced. */
  EGRESS_INVALID: 'invalid',
  /** A rule that goes past what the operator allows. */
  EGRESS_EXCEEDED: 'denied',
  /** A name that has no address. */
  EGRESS_UNRESOLVED: 'unreachable',
  /** This host can't give a sandbox a way out: a program or a feature of the kernel is missing. */
  EGRESS_UNAVAILABLE: 'host',
} as const;

export const egressFault = faultTable(egressFaultTable);
