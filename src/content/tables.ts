/**
 * The registry's tables, in the order in which a transfer between SQLite and PostgreSQL copies them. While it writes
 * the first ones, triggers change the last ones, so those come last.
 */
import type { TableCopy } from '../store/index.ts';

export const registryTables: readonly TableCopy[] = [
  'blobs',
  'repositories',
  'links',
  'manifests',
  'parts',
  'tags',
  'second_names',
  'holdings',
  'usage',
  'unsealed_entries',
].map((name) => ({ name }));
