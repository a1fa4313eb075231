/**
 * The one error type that Ward raises on purpose. A room creates its faults from a closed table of codes
 * (`faultTable`), so that tests can compare docs, HTTP statuses and CLI messages with that table.
 */

import type { JsonObject } from './json.ts';

/** The kind of error, from the caller's point of view. Each kind has one HTTP status and one exit code. */
export const faultKinds = [
  'invalid',
  'unauthenticated',
  'denied',
  'missing',
  'conflict',
  'stale',
  'too-large',
  'unsupported',
  'unprocessable',
  'throttled',
  'overloaded',
  'busy',
  'unreachable',
  'full',
  'host',
  'bug',
] as const;

export type FaultKind = (typeof faultKinds)[number];

interface FaultOptions {
  /** What the reader should do next, as an imperative sentence. */
  readonly hint?: string;
  /** When the same request can succeed, if known. */
  readonly retryAfterMs?: number;
  /** Further fields of the answer, for programs. */
  readonly details?: JsonObject;
  readonly cause?: unknown;
}

const cheapKinds: ReadonlySet<FaultKind> = new Set(['busy', 'throttled', 'overloaded']);

export class Fault extends Error {
  readonly code: string;
  readonly kind: FaultKind;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: JsonObject | undefined;

  constructor(code: string, kind: FaultKind, message: string, options: FaultOptions = {}) {
    const { stackTraceLimit } = Error;
    // Refused calls must cost little, because there are many when there is too much to do.
    if (cheapKinds.has(kind)) Error.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Fault';
    this.code = code;
    this.kind = kind;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** A closed table: code → kind. */
export type FaultTable = Readonly<Record<string, FaultKind>>;

/** The constructor that a room exports for its own table; an unknown code does not compile. */
export function faultTable<Table extends FaultTable>(table: Table) {
  return (code: Extract<keyof Table, string>, message: string, options?: FaultOptions): Fault =>
    new Fault(code, table[code] ?? 'bug', message, options);
}

export function isFault(error: unknown, code?: string): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of an error that Node or a library made: `ENOENT`, `ERR_ZLIB_INITIALIZATION_FAILED`, `HPE_INVALID_METHOD`. */
export function nodeCodeOf(error: unknown): string | undefined {
  const hasCode = error instanceof Error && !isFault(error) && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a code of Node's says that no TLS connection came about: the other side speaks none, or is not trusted. */
export function isTlsCode(code: string): boolean {
  return /CERT|SELF_SIGNED|TLS|SSL|UNABLE_TO_VERIFY|EPROTO/.test(code);
}

/** A resource that the machine lacks for now; the same request can succeed later. */
export type HostTrouble = 'disk-full' | 'disk-failing' | 'exhausted';

/** Whether the same request can succeed later, unchanged. */
export function isTemporary(error: unknown): boolean {
  const isForNow = isFault(error) && (error.kind === 'busy' || error.kind === 'overloaded');
  return isForNow || hostTroubleOf(error) !== undefined;
}

/** Undefined when the error is of another kind. Follows the causes of the error. */
export function hostTroubleOf(error: unknown): HostTrouble | undefined {
  if (isFault(error) && error.kind === 'full') return 'disk-full';
  return troubles.get(hostErrnoOf(error) ?? '');
}

/** The system's error code, here or in the cause of a Fault of the host. */
export function hostErrnoOf(error: unknown): string | undefined {
  if (!isFault(error)) return errnoOf(error);
  return error.kind === 'host' ? hostErrnoOf(error.cause) : undefined;
}

/** Codes of errno(3): read-only or broken; no space; no descriptor, process or memory. */
const troubles: ReadonlyMap<string, HostTrouble> = new Map([
  ...['ENOSPC', 'EDQUOT'].map((code) => [code, 'disk-full'] as const),
  ...['EROFS', 'EIO'].map((code) => [code, 'disk-failing'] as const),
  ...['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'].map((code) => [code, 'exhausted'] as const),
]);

/** The system's code (`ENOENT`) of an error of the system. A Fault's code does not count. */
export function errnoOf(error: unknown): string | undefined {
  const code = nodeCodeOf(error);
  return code !== undefined && errnoForm.test(code) ? code : undefined;
}

/** Node's own codes (`ERR_…`) have an underscore; of the system's, only those of `getaddrinfo`. */
const errnoForm = /^E(?:AI_)?[A-Z0-9]+$/;

interface FaultParts {
  readonly code: string;
  readonly kind: FaultKind;
  readonly hint?: string | undefined;
}

/** The form of an error between processes, where classes are lost. */
export interface Failure {
  readonly message: string;
  readonly fault?: FaultParts | undefined;
}

export function failureOf(error: unknown): Failure {
  const message = messageOf(error);
  if (!isFault(error)) return { message };
  const { code, kind, hint } = error;
  return { message, fault: { code, kind, ...(hint !== undefined && { hint }) } };
}

export function errorOf({ message, fault }: Failure): Error {
  if (fault === undefined) return new Error(message);
  return new Fault(fault.code, fault.kind, message, fault.hint === undefined ? {} : { hint: fault.hint });
}
