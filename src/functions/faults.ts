/** What the domain refuses, and why. Texts are OpenWhisk's where it has one, because clients match on them. */
import { faultTable } from '../lib/index.ts';

export const functionFaultKinds = {
  /** No credentials, or credentials that are not valid. */
  AUTHENTICATION_MISSING: 'unauthenticated',
  AUTHENTICATION_INVALID: 'unauthenticated',
  /** The database has not answered for too long to know which keys were revoked. */
  AUTHENTICATION_STALE: 'busy',
  /** An operator's one-time login that was used, or has expired. */
  LOGIN_INVALID: 'unauthenticated',
  /** A token of another issuer that was exchanged before. */
  TOKEN_SPENT: 'unauthenticated',
  /** A token of a login from before its person was logged out, everywhere or of the namespace. */
  LOGIN_ENDED: 'unauthenticated',
  /** A token of another issuer that no rule of the operator gives a key. */
  LOGIN_DENIED: 'denied',
  /** A token of another issuer that opens several namespaces, and names none. */
  LOGIN_AMBIGUOUS: 'invalid',
  NOT_AUTHORIZED: 'denied',
  DEPLOYMENT_REFUSED: 'denied',
  RUN_REFUSED: 'denied',
  /** The gate can't read what it needs to judge the code, but can later. */
  RUN_UNJUDGED: 'busy',
  NAME_INVALID: 'invalid',
  BODY_INVALID: 'invalid',
  KIND_UNSUPPORTED: 'invalid',
  CODE_INVALID: 'invalid',
  /** Another server is removing the same code. */
  CODE_BUSY: 'busy',
  SEQUENCE_INVALID: 'invalid',
  LIMIT_OUT_OF_RANGE: 'invalid',
  PARAMETERS_NOT_ALLOWED: 'invalid',
  QUERY_INVALID: 'invalid',
  ACTIVATION_ID_INVALID: 'invalid',
  ENTITY_TOO_LARGE: 'too-large',
  QUOTA_EXCEEDED: 'too-large',
  RECORDS_FULL: 'throttled',
  BINDING_INVALID: 'invalid',
  RULE_INVALID: 'invalid',
  BINDING_CYCLIC: 'unprocessable',
  NOT_FOUND: 'missing',
  EARLIER_CODE_MISSING: 'missing',
  ALREADY_EXISTS: 'conflict',
  WRONG_COLLECTION: 'conflict',
  CONCURRENT_UPDATE: 'conflict',
  /** The caller named the revision that it wanted to change. */
  ENTITY_CHANGED: 'stale',
  NAMESPACE_EXISTS: 'conflict',
  KEY_INVALID: 'invalid',
  /** A key asked for one with more rights, or a longer life, than its own. */
  KEY_TOO_WIDE: 'denied',
  KEYS_EXHAUSTED: 'conflict',
  BINDING_CONFLICT: 'conflict',
  PACKAGE_NOT_EMPTY: 'conflict',
  FEED_INVALID: 'invalid',
  FEED_CONFLICT: 'conflict',
  FEED_PAUSED: 'conflict',
  FEEDS_EXHAUSTED: 'conflict',
  SIGNATURE_INVALID: 'unauthenticated',
  DOMAIN_INVALID: 'invalid',
  /** A name of the server itself, or one above it. */
  DOMAIN_RESERVED: 'denied',
  /** DNS does not have the token of the claim. */
  DOMAIN_UNPROVED: 'conflict',
  /** Another namespace has proved the domain, and its token is still in DNS. */
  DOMAIN_TAKEN: 'conflict',
  /** DNS gives no answer. */
  DOMAIN_UNRESOLVED: 'unreachable',
  DOMAIN_BUSY: 'throttled',
  DOMAINS_EXHAUSTED: 'conflict',
  API_INVALID: 'invalid',
  API_TOO_LARGE: 'too-large',
  STORED_ENTITY_CORRUPT: 'host',
  VAULT_KEY_MISSING: 'host',
  SHUTTING_DOWN: 'busy',
} as const;

export const functionFault = faultTable(functionFaultKinds);

/** The body or one of its fields is malformed. */
export function malformed(detail: string) {
  return functionFault('BODY_INVALID', `The request content was malformed:\n${detail}`);
}

/** @param name set where OpenWhisk shows it: for a package that is read */
export function notFound(name?: string) {
  const what = name === undefined ? 'resource' : `resource '${name}'`;
  return functionFault('NOT_FOUND', `The requested ${what} does not exist.`);
}

export function wrongCollection() {
  return functionFault('WRONG_COLLECTION', 'Resource by this name exists but is not in this collection.');
}

export function concurrentUpdate() {
  return functionFault('CONCURRENT_UPDATE', 'Concurrent modification to resource detected.', {
    hint: 'Read the resource again and repeat the change.',
  });
}

export function entityChanged() {
  return functionFault('ENTITY_CHANGED', 'The resource has changed since it was read.', {
    hint: 'Read it again, compare it with your change, and send that with the new ETag.',
  });
}

export function notAuthorized(what: string) {
  return functionFault(
    'NOT_AUTHORIZED',
    `The supplied authentication is not authorized to access '${what}'.`,
  );
}

/** By then a restarted Ward serves again, unless calls delay the stop. */
const backMs = 5000;

export function shuttingDown() {
  return functionFault('SHUTTING_DOWN', 'The platform is shutting down.', {
    hint: 'Try again when it has restarted.',
    retryAfterMs: backMs,
  });
}

/** @param field the client's name for it: `exec`, `parameters`, `annotations`, `Request` */
export function tooLarge(field: string, bytes: number, allowedBytes: number) {
  return functionFault('ENTITY_TOO_LARGE', `${field} larger than allowed: ${bytes} > ${allowedBytes} bytes.`);
}
