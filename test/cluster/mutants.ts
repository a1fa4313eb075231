/** Removes parts of Ward that keep the promises of a cluster. The check must detect each removal. */
import { editsOf, type Proof } from '../chaos/mutations.ts';
import type { Edit } from '../chaos/preload.ts';

export const mutantNames = [
  'fence',
  'claim',
  'flush',
  'lease',
  'silence',
  'share',
  'marks',
  'doom',
  'late',
  'order',
] as const;
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
  /** Each node allows a namespace its whole limits. */
  share: [
    {
      file: 'src/dispatch/limit-share.ts',
      from: 'return (limit) => partOf(limit, counted(), nodes.before());',
      to: 'return (limit) => limit;',
    },
  ],
  /** Code is removed without a mark that says so first. */
  marks: [
    {
      file: 'src/functions/actions/shared-code.ts',
      from: 'const removal = await marks.beginRemoval(digest, { graceMs, lateMs });',
      to: "const removal = graceMs > lateMs ? undefined : 'none';",
    },
  ],
  /** A sweep removes pushed bytes as soon as it finds them unused, and dooms their row afterwards. */
  doom: [
    {
      file: 'src/content/blob-sweep.ts',
      from: 'async function doomUnheld({ db, limits }',
      to: 'async function doomUnheld({ db, content, limits }',
    },
    {
      file: 'src/content/blob-sweep.ts',
      from: 'if (isGarbage === 1) await db.write(undefined, ...doomSteps(digest, before, at));',
      to: `if (isGarbage === 1)
        await content.blobs.delete(digest).then(() => db.write(undefined, ...doomSteps(digest, before, at)));`,
    },
  ],
  /** A push stores bytes whose removal has had no answer. */
  late: [
    {
      file: 'src/content/blob-rows.ts',
      from: 'where blobs.doomed_at is null or ',
      to: 'where blobs.doomed_at is null or blobs.removal_at > ?4 or ',
    },
  ],
  /** Servers update counters in the order in which they come. */
  order: [
    {
      file: 'src/store/postgres/batch.ts',
      from: 'return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));',
      to: 'return [...map];',
    },
  ],
};

/** For each mutant, the fault that shows it, and the rule that it breaks. */
export const proofs: Readonly<Record<Mutant, Proof>> = {
  fence: { fault: 'kill-node', rule: 'ran too often' },
  claim: { fault: 'kill-node', rule: 'ran twice' },
  flush: { fault: 'kill-node', rule: 'no record' },
  lease: { fault: 'soak', rule: 'interrupted without a fault' },
  silence: { fault: 'freeze-node', rule: 'ran twice' },
  share: { fault: 'soak', rule: 'a limit was exceeded' },
  marks: { fault: 'slow-engines', rule: 'needed code was removed' },
  doom: { fault: 'slow-engines', rule: 'a pushed layer was removed' },
  late: { fault: 'late-removals', rule: 'a pushed layer was removed' },
  order: { fault: 'slow-engines', rule: 'waited for each other' },
};
