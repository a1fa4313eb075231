import { type FaultTable, faultTable } from '../lib/index.ts';

export const serverFaults = {
  CONFIG_INVALID: 'invalid',
  FLAG_INVALID: 'invalid',
  DATA_DIR_BUSY: 'conflict',
  DATA_DIR_INVALID: 'invalid',
  DATA_DIR_NOT_EMPTY: 'conflict',
  DATA_DIR_INCOMPLETE: 'conflict',
  RESTORE_UNFINISHED: 'conflict',
  BACKUP_BUSY: 'busy',
  BACKUP_FAILED: 'host',
  BACKUP_INVALID: 'invalid',
  BACKUP_NEWER: 'unsupported',
  IMAGE_DIFFERS: 'conflict',
  LISTEN_FAILED: 'host',
  TOO_MANY_RUNS: 'busy',
  SANDBOX_FAILED: 'host',
  LEARNING_FAILED: 'invalid',
  DATA_DIR_EMPTY: 'missing',
  IMAGES_MISSING: 'host',
  PARAMETER_KEYS_INVALID: 'invalid',
  PARAMETER_KEYS_INSECURE: 'denied',
  PARAMETER_KEYS_BUSY: 'busy',
  PUSH_REFUSED: 'denied',
  PUSH_FAILED: 'unreachable',
  IMAGE_DENIED: 'denied',
  SCAN_TARGET_INVALID: 'invalid',
  IMAGE_NOT_PUSHED: 'missing',
  UNINSTALL_REFUSED: 'invalid',
  WARD_RUNNING: 'conflict',
} as const satisfies FaultTable;

export const serverFault = faultTable(serverFaults);
