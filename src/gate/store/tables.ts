/** The tables of the gate's store, for a transfer between SQLite and PostgreSQL, in the order in which they are copied. */
import type { TableCopy } from '../../store/index.ts';
import { firstPrevHash } from './audit-chain.ts';

export const gateTables: readonly TableCopy[] = [
  { name: 'reports' },
  { name: 'verdicts', derived: { outcome: (cell) => String(JSON.parse(String(cell('verdict'))).outcome) } },
  { name: 'revisions' },
  { name: 'audit_cut' },
  { name: 'audit', isAppendOnly: true, cut: 'audit_cut' },
  { name: 'audit_head', first: { one: 1, seq: 0, hash: firstPrevHash } },
  { name: 'audit_index' },
  { name: 'checkpoints' },
  { name: 'waivers' },
  { name: 'shared_files' },
];
