/** Faults of the registry's HTTP surface. Its storage, `content`, has a table of its own. */
import { faultTable } from '../lib/index.ts';

export const registryFaults = {
  CREDENTIALS_NEEDED: 'unauthenticated',
  PUSH_DENIED: 'denied',
  PULL_DENIED: 'denied',
  ENDPOINT_UNKNOWN: 'missing',
  METHOD_UNSUPPORTED: 'invalid',
  RANGE_UNSATISFIABLE: 'invalid',
  CONTENT_RANGE_INVALID: 'invalid',
  DIGEST_UNSUPPORTED: 'invalid',
  REFERENCE_UNKNOWN: 'missing',
  MANIFEST_DIGEST_WRONG: 'invalid',
  PAGE_INVALID: 'invalid',
  SCOPE_INVALID: 'invalid',
  MANIFEST_TOO_LARGE: 'too-large',
  MANIFESTS_BUSY: 'throttled',
  UPLOADS_BUSY: 'throttled',
} as const;

export const registryFault = faultTable(registryFaults);
