/** Removes parts of Ward that keep the promises of a cluster. The check must detect each removal. */
import { editsOf } from '../chaos/mutations.ts';
import type { Edit } from '../chaos/preload.ts';

export const mutantNames = ['fence', 'claim', 'flush', 'lease', 'silence'] as const;
export type Mutant = (typeof mutantNames)[number];

export const mutants: Readonly<Record<Mutant, readonly Edit[]>> = {
  ...editsOf,
  /** A node takes accepted calls of nodes that still hold their lease. */
  lease: [
    {
      file: 'src/store/accepted.ts',
      from: 'select 1 from nodes where name = owners.owner',
      to: "select 1 from nodes where name = ''",
    },
    {
      file: 'src/store/accepted.ts',
      from: "exists(selectFrom('nodes').select('name').where('name', '=', owner).where('lease_until', '>', now)),",
      to: "exists(selectFrom('nodes').select('name').where('name', '=', '')),",
    },
  ],
  /** A job that may have run on a node that is not heard any more is given to the next one. */
  silence: [
    {
      file: 'src/dispatch/remote/remote-jobs.ts',
      from: "return void this.#lose(open, 'it is not heard any more');",
      to: "return void this.#refuse(open, invokerLost(open.node, 'it is not heard any more'), true, 'timed out');",
    },
  ],
};

/** For each mutant, the fault that shows it, and the rule that it breaks. */
export const proofs: Readonly<Record<Mutant, { readonly fault: string; readonly rule: string }>> = {
  fence: { fault: 'kill-node', rule: 'ran too often' },
  claim: { fault: 'kill-node', rule: 'ran twice' },
  flush: { fault: 'kill-node', rule: 'no record' },
  lease: { fault: 'soak', rule: 'interrupted without a fault' },
  silence: { fault: 'freeze-node', rule: 'ran twice' },
};
