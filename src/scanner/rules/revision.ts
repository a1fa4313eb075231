/** Makes the revisions of rules, which reports name. */
import { createHash } from 'node:crypto';

/** Increase it when the same rules would find something else. */
const engine = '1';

export function revisionOf(...texts: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([engine, ...texts]))
    .digest('hex')
    .slice(0, 16);
}
