/** What the gate can't do. That something is not allowed is a verdict, never a fault. */
import { faultTable } from '../lib/index.ts';

export const gateFaults = {
  /** A policy that does not say what it should; the message names each place. */
  POLICY_INVALID: 'invalid',
  /** A VEX document that can't be read. */
  VEX_INVALID: 'invalid',
  /** A key that is none, or of a kind that is too weak or not known. */
  KEY_INVALID: 'invalid',
  /** A trusted root of sigstore that can't be read. */
  TRUSTED_ROOT_INVALID: 'invalid',
  /** The passphrase does not open the private key. */
  KEY_LOCKED: 'denied',
  /** A signature or an attestation that can't be read. One that can be read and is not trusted is not a fault. */
  SIGNATURE_MALFORMED: 'invalid',
  /** Too many scans wait already. */
  GATE_BUSY: 'busy',
  /** Ward is being stopped: nothing is scanned or judged any more. */
  GATE_STOPPING: 'busy',
  /** Used after `close`. */
  GATE_CLOSED: 'bug',
  /** The disk, or the file of reports and of the audit log, failed. */
  GATE_STORE_FAILED: 'host',
  /** The disk is full. */
  GATE_STORE_FULL: 'full',
  /** The disk is read-only, or fails. */
  GATE_STORE_UNWRITABLE: 'busy',
  /** The file of reports and of the audit log is damaged, or none. */
  GATE_STORE_CORRUPT: 'host',
  /** The file was written by a newer Ward. */
  GATE_STORE_NEWER: 'unsupported',
} as const;

export const gateFault = faultTable(gateFaults);
