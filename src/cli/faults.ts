/** Faults of the command line itself, and the exit code of every kind of fault. */
import { type FaultKind, faultTable } from '../lib/index.ts';

export const cliFault = faultTable({
  USAGE: 'invalid',
  NAME_INVALID: 'invalid',
  PARAMETER_INVALID: 'invalid',
  SETTING_INVALID: 'invalid',
  SOURCE_UNREADABLE: 'invalid',
  SOURCE_KIND_UNKNOWN: 'invalid',
  MANIFEST_INVALID: 'invalid',
  FILE_EXISTS: 'conflict',
  FILE_NOT_WRITTEN: 'host',
  FILE_FAILED: 'host',
  NO_KEY: 'unauthenticated',
  KEY_REFUSED: 'unauthenticated',
  LOGIN_FAILED: 'unauthenticated',
  LOGIN_BUSY: 'busy',
  // Missing rights of a key count as "not authorised": `denied` is for policies, and exits with 3.
  NOT_AUTHORISED: 'unauthenticated',
  REQUEST_INVALID: 'invalid',
  REQUEST_TOO_LARGE: 'too-large',
  REQUEST_UNSUPPORTED: 'unsupported',
  FEED_FAILED: 'host',
  IMAGE_REFUSED: 'denied',
  GATE_REFUSED: 'denied',
  EGRESS_EXCEEDED: 'denied',
  POLICY_EXCEEDED: 'denied',
  NOT_FOUND: 'missing',
  CONFLICT: 'conflict',
  THROTTLED: 'throttled',
  SERVER_OVERLOADED: 'overloaded',
  SERVER_BUSY: 'busy',
  SERVER_TIMED_OUT: 'busy',
  SERVER_FULL: 'full',
  SERVER_FAILED: 'host',
  SERVER_UNREACHABLE: 'unreachable',
  SERVER_NOT_WARD: 'unreachable',
  PROXY_FAILED: 'unreachable',
});

/** The action ran and returned an error. */
export const exitActionError = 8;

const exitCodes: Readonly<Record<FaultKind, number>> = {
  invalid: 2,
  unauthenticated: 4,
  denied: 3,
  missing: 5,
  conflict: 1,
  stale: 1,
  'too-large': 1,
  unsupported: 1,
  unprocessable: 2,
  throttled: 7,
  overloaded: 7,
  busy: 7,
  unreachable: 6,
  full: 7,
  host: 1,
  bug: 1,
};

export function exitCodeOf(kind: FaultKind): number {
  return exitCodes[kind];
}
