/** What can go wrong with the ways out of a sandbox. */
import { faultTable } from '../lib/index.ts';

export const egressFaultTable = {
  /** A rule that says nothing that could be enforced, or is not a rule. */
  EGRESS_INVALID: 'invalid',
  /** A rule that goes past what the operator allows. */
  EGRESS_EXCEEDED: 'denied',
  /** This host can't give a sandbox a way out: a program is missing, or the kernel lacks something. */
  EGRESS_UNAVAILABLE: 'host',
} as const;

export const egressFault = faultTable(egressFaultTable);
