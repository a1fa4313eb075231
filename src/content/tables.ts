/**
 * The registry's tables, for a transfer between SQLite and PostgreSQL, in the order in which they are copied: triggers
 * change the last ones while the others are written.
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
].map((name) => ({ name }));
