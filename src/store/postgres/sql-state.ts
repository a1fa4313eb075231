/** Converts PostgreSQL's errors to the store's faults, by SQLSTATE (its manual, appendix A), never by text. */
import { type Fault, isFault, messageOf } from '../../lib/index.ts';
import { isConflict } from '../conflicts.ts';
import { storeFault } from '../faults.ts';

/** Time until a retry makes sense for a database that does not answer. */
export const retryAfterMs = 5000;

const lockTimeout = '55P03';

/** A conflict, or a lock that was not got in time. */
export function isPassing(error: unknown): boolean {
  return isConflict(error) || codeOf(error) === lockTimeout;
}

/** Data exceptions, constraints and sizes: caused by one unit's values, not by the database. */
export function isConfinedToOneUnit(error: unknown): boolean {
  return ['22', '23', '54'].includes(codeOf(error).slice(0, 2));
}

/** @param where identifies the database to an operator: host and database, without a password */
export function faultOf(error: unknown, where: string): Fault {
  if (isFault(error)) return error;
  const code = codeOf(error);
  const options = { cause: error };
  const byClass = classFault(code, where, options);
  if (byClass !== undefined) return byClass;
  return storeFault('STORE_FAILED', `the database ${where} failed: ${messageOf(error)}`, {
    ...options,
    hint: 'Check the log of PostgreSQL.',
  });
}

function classFault(code: string, where: string, options: { readonly cause: unknown }): Fault | undefined {
  if (code === '23503') return storeFault('STORE_NO_NAMESPACE', 'its namespace does not exist', options);
  if (code === '23505') return storeFault('STORE_DUPLICATE', 'a row of that id exists already', options);
  if (code === '53100')
    return storeFault('STORE_FULL', `no space is left for ${where}`, {
      ...options,
      hint: 'Free disk space on the host of PostgreSQL.',
    });
  if (code === '25006' || code === '57P05')
    return storeFault('STORE_UNWRITABLE', 'the database takes no writes', {
      ...options,
      hint: 'Ask the operator to point Ward at the primary server of PostgreSQL.',
      retryAfterMs,
    });
  if (isConflict({ code }) || code === lockTimeout || code === '57014')
    return storeFault('STORE_LOCKED', `${where} is busy with other transactions`, {
      ...options,
      retryAfterMs,
    });
  if (['XX001', 'XX002'].includes(code))
    return storeFault('STORE_CORRUPT', `${where} is damaged`, {
      ...options,
      hint: 'Restore the database from a backup of PostgreSQL.',
    });
  const refusal = refusals.find(({ codes }) => codes.test(code));
  if (refusal !== undefined)
    return storeFault('STORE_REFUSED', `the database ${where} ${refusal.text}`, {
      ...options,
      hint: refusal.hint,
      retryAfterMs,
    });
  if (isUnreachable(code))
    return storeFault('STORE_UNREACHABLE', `the database ${where} does not answer`, {
      ...options,
      hint: 'Check whether PostgreSQL runs, and whether this machine can reach it.',
      retryAfterMs,
    });
  return undefined;
}

interface Refusal {
  readonly codes: RegExp;
  readonly text: string;
  readonly hint: string;
}

/** What an operator can put right at the server, or in the setting `store`. */
const refusals: readonly Refusal[] = [
  {
    codes: /^28/,
    text: 'refuses the user or the password',
    hint: 'Check the user and the password of the setting `store`, and pg_hba.conf of PostgreSQL.',
  },
  {
    codes: /^3D000$/,
    text: 'does not exist',
    hint: 'Create it: docs/cluster.md has the commands. Or correct the setting `store`.',
  },
  {
    codes: /^42501$/,
    text: 'does not let its user create or use tables',
    hint: 'Make the user of the setting `store` the owner of the database.',
  },
  {
    codes: /^53300$/,
    text: 'has no connection left',
    hint: 'Raise max_connections of PostgreSQL, or close other clients.',
  },
  {
    codes: /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_)/,
    text: 'has a certificate that Ward does not trust',
    hint: 'Name the certificate of its authority with sslrootcert in the setting `store`.',
  },
];

/**
 * Connections that break, that are refused, or that the server ends: also that of a transaction that took too long, or was
 * idle for too long.
 */
function isUnreachable(code: string): boolean {
  return /^(08|57P0|53|25P0[34]$)/.test(code) || /^E(?:AI_)?[A-Z0-9]+$/.test(code);
}

/** The connection can't be used again: its server takes no writes any more, or it may be in the middle of an answer. */
export function endsConnection(error: unknown): boolean {
  const code = codeOf(error);
  return code === '25006' || isUnreachable(code);
}

/** The server says as the answer to a statement that it ends the connection. */
export function tellsOfEnd(error: unknown): boolean {
  return /^(57P0|25P0[34]$)/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  const message = messageOf(error);
  if (withoutPassword.test(message)) return '28P01';
  return withoutCode.test(message) ? '08006' : '';
}

/** The server asks for a password, and the settings have none or an empty one: the client does not answer. */
const withoutPassword = /^SASL: .*client password must be/;

/** The client has no code for a connection that ended, nor for one that timed out. */
const withoutCode =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout)/;
