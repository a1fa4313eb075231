/** Turns errors of the gate's PostgreSQL into its faults. The store knows their SQLSTATEs. */
import { type Fault, isFault, messageOf } from '../../../lib/index.ts';
import { postgresFault } from '../../../store/index.ts';
import { gateFault, type gateFaults } from '../../faults.ts';

type GateCode = keyof typeof gateFaults;

const lasting: Readonly<Record<string, GateCode>> = {
  STORE_FULL: 'GATE_STORE_FULL',
  STORE_CORRUPT: 'GATE_STORE_CORRUPT',
  STORE_NEWER: 'GATE_STORE_NEWER',
};
const ofTheStore: readonly string[] = ['STORE_DUPLICATE', 'STORE_NO_NAMESPACE'];
const unreachable: readonly string[] = ['STORE_UNREACHABLE', 'STORE_REFUSED'];
const passing: readonly string[] = ['STORE_UNWRITABLE', 'STORE_LOCKED', ...unreachable];

/** @param where identifies the database to an operator: host and database, without a password */
export function readFault(error: unknown, where: string): Fault {
  if (isFault(error) && error.code.startsWith('GATE_')) return error;
  const { code, message, hint, retryAfterMs } = postgresFault(error, where);
  // The store's words for a constraint are about its own tables.
  const text = ofTheStore.includes(code) ? `the database ${where} failed: ${messageOf(error)}` : message;
  const ofOperation = unreachable.includes(code) ? 'GATE_STORE_UNREACHABLE' : 'GATE_STORE_FAILED';
  return gateFault(lasting[code] ?? ofOperation, text, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Of a write that changed nothing: it can succeed later. */
export function writeFault(error: unknown, where: string): Fault {
  const { code, retryAfterMs } = postgresFault(error, where);
  if (!passing.includes(code)) return readFault(error, where);
  // Clients that push or deploy see this text, so it does not name the database.
  return gateFault('GATE_STORE_UNWRITABLE', 'the gate’s database takes no writes for now', {
    cause: error,
    hint: 'Ask the operator to check PostgreSQL.',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Of a write whose commit got no answer. */
export function commitFault(error: unknown, where: string): Fault {
  const { code, retryAfterMs } = postgresFault(error, where);
  if (code !== 'STORE_UNREACHABLE') return writeFault(error, where);
  // Here, too, clients see the text.
  return gateFault(
    'GATE_STORE_UNREACHABLE',
    'the gate’s database went away during a write, which is done or not',
    {
      cause: error,
      hint: 'See whether it is done, and try again if it is not.',
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    },
  );
}
