/** Faults of the gate. A denial is a verdict, never a fault. */
import { faultTable } from '../lib/index.ts';

export const gateFaults = {
  /** The policy does not follow the schema; the message names each place. */
  POLICY_INVALID: 'invalid',
  /** A waiver lacks something; the message names it. */
  WAIVER_INVALID: 'invalid',
  /** Ward can't read a VEX document. */
  VEX_INVALID: 'invalid',
  /** Not a key, or a key of a weak or unknown kind. */
  KEY_INVALID: 'invalid',
  /** Ward can't read a trusted root of sigstore. */
  TRUSTED_ROOT_INVALID: 'invalid',
  /** The passphrase does not open the private key. */
  KEY_LOCKED: 'denied',
  /** Ward can't read a signature or an attestation. A readable one that is not trusted is no fault. */
  SIGNATURE_MALFORMED: 'invalid',
  /** Another write has replaced the shared file meanwhile. */
  GATE_FILE_CHANGED: 'conflict',
  /** Too many scans wait already. */
  GATE_BUSY: 'busy',
  /** Ward is stopping, so it scans and judges nothing more. */
  GATE_STOPPING: 'busy',
  /** Used after `close`: at the very end of a stop. */
  GATE_CLOSED: 'busy',
  /** The disk failed, or the file with the reports and the audit log. */
  GATE_STORE_FAILED: 'host',
  /** The disk is full. */
  GATE_STORE_FULL: 'full',
  /** The disk is read-only, or fails. */
  GATE_STORE_UNWRITABLE: 'busy',
  /** The database server does not answer, or refuses Ward. */
  GATE_STORE_UNREACHABLE: 'busy',
  /** The file with the reports and the audit log is damaged, or not a database. */
  GATE_STORE_CORRUPT: 'host',
  /** A newer Ward wrote the file. */
  GATE_STORE_NEWER: 'unsupported',
} as const;

export const gateFault = faultTable(gateFaults);

export function fileChanged(name: string) {
  return gateFault(
    'GATE_FILE_CHANGED',
    `the shared file ${name} was changed meanwhile; nothing was written`,
    {
      hint: 'read it again, and make your change in that one',
    },
  );
}
