/**
 * What callers read while an engine that the server needs is away, or refuses it. The fault's own text and hint say where the
 * engine is, which is for the operator.
 */
import { isFault, messageOf } from './fault.ts';

const noDatabase =
  'The server does not reach its database, or is refused there. Try again later, or ask its operator.';
const noObjects =
  'The server does not reach its object store, or is refused there. Try again later, or ask its operator.';
/** By the code of the fault. */
const texts: ReadonlyMap<string, string> = new Map([
  ['STORE_UNREACHABLE', noDatabase],
  ['STORE_REFUSED', noDatabase],
  ['GATE_STORE_UNREACHABLE', noDatabase],
  ['BLOB_STORE_UNREACHABLE', noObjects],
  ['BLOB_STORE_REFUSED', noObjects],
  ['STORE_LOCKED', 'The database of the server is busy. Try again later.'],
  [
    'STORE_ANSWER_LOST',
    'The server lost its database before it knew whether this was done. See whether it was, and try again if it was not.',
  ],
]);

/** Undefined for other errors. The answer is that of a fault of the kind `busy`, whatever kind this one has. */
export function outageTextOf(error: unknown): string | undefined {
  return isFault(error) ? texts.get(error.code) : undefined;
}

/** The text of an error for tenants, for example in a record. */
export function callerTextOf(error: unknown): string {
  return outageTextOf(error) ?? messageOf(error);
}
