/** Until when a distribution's release is mended, as endoflife.date says it. */
import type { Distribution } from '../types.ts';
import type { AdvisoryReader } from './reader.ts';

/** `ID` of os-release → the name of its list. Those that are not here have the same name. */
const products = new Map([
  ['alpine', 'alpine-linux'],
  ['rocky', 'rocky-linux'],
  ['amzn', 'amazon-linux'],
  ['opensuse-leap', 'opensuse'],
  ['ol', 'oracle-linux'],
]);

/** An ISO date; undefined when it is not known, or not decided. */
export function lifecycleOf(reader: AdvisoryReader, { id, versionId }: Distribution): string | undefined {
  const ends = reader.lifecycle(products.get(id) ?? id);
  // The longest beginning that is a cycle: 3.20.1 → 3.20, 9.4 → 9.
  for (let cycle = versionId; cycle !== ''; cycle = cycle.slice(0, Math.max(0, cycle.lastIndexOf('.')))) {
    const end = ends.get(cycle);
    if (end !== undefined) return end === '' ? undefined : end;
  }
  return undefined;
}
