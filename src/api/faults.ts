/** Faults of the HTTP surface, and the one place that turns a fault's kind into a status. */
import { type FaultKind, faultTable } from '../lib/index.ts';

export const apiFaultKinds = {
  BODY_NOT_JSON: 'invalid',
  BODY_TOO_DEEP: 'invalid',
  BODY_TOO_MANY_VALUES: 'invalid',
  BODY_MISSING: 'invalid',
  BODY_TYPE_UNSUPPORTED: 'unsupported',
  QUERY_INVALID: 'invalid',
  ACTIVATION_PENDING: 'missing',
  UPLOADS_BUSY: 'busy',
  ANSWERS_BUSY: 'busy',
  STREAMS_EXCEEDED: 'throttled',
  /** The machine has no file descriptor, process or memory left. */
  MACHINE_EXHAUSTED: 'busy',
  WEB_RATE_EXCEEDED: 'throttled',
  WEB_SHARE_EXCEEDED: 'throttled',
  /** The route is for operators, and the request has no operator's session. */
  OPERATOR_REQUIRED: 'unauthenticated',
  CLIENT_CERTIFICATE_REQUIRED: 'denied',
  /** A sandbox sent the key of another namespace. */
  KEY_FOREIGN: 'denied',
} as const;

export const apiFault = faultTable(apiFaultKinds);

export const statusOfKind: Readonly<Record<FaultKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  denied: 403,
  missing: 404,
  conflict: 409,
  stale: 412,
  'too-large': 413,
  unsupported: 415,
  unprocessable: 422,
  throttled: 429,
  overloaded: 429,
  host: 500,
  bug: 500,
  unreachable: 502,
  busy: 503,
  full: 507,
};
