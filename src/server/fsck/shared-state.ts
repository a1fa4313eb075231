/** Checks what a data folder holds for a state that is in PostgreSQL. The database itself has tools of its own. */
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { HeldBlobs } from '../../content/index.ts';
import type { Store } from '../../store/index.ts';
import type { NamedInBucket } from './bucket.ts';
import { type BlobsCheck, damagedBlob, readBlobs } from './databases.ts';
import type { Findings } from './findings.ts';

interface SharedCodeCheck extends BlobsCheck {
  readonly store: Pick<Store, 'entities' | 'accepted'>;
}

const pageLength = 1000;
const remedy = 'deploy the action again, or copy the code from a backup';
const pushAgain = 'push the image again';

/** Checks each blob of code against its digest, and that the code of each action is there. */
export async function checkSharedCode(
  { store, ...blobs }: SharedCodeCheck,
  findings: Findings,
): Promise<void> {
  const { named, namesOf } = sharedCode(store);
  const { present, damaged } = await readBlobs('code', blobs, findings);
  for (const digest of damaged) findings.tell('code', digest, damagedBlob, remedy);
  for await (const digest of named()) {
    if (present.has(digest)) continue;
    // A server deletes a blob after the last row that names it.
    const names = await namesOf(digest);
    if (names.length > 0) findings.tell('code', `${digest} (${names.join(', ')})`, 'is missing', remedy);
  }
}

/** The code of all actions, in PostgreSQL. */
export function sharedCode({ entities, accepted }: SharedCodeCheck['store']): NamedInBucket {
  return {
    ...{ area: 'code', remedy },
    named: () => pages((after) => entities.codeAfter(after, pageLength)),
    namesOf: (digest) => entities.actionsWithCode(digest),
    isKept: async (digest) =>
      (await entities.countByCodeDigest(digest)) > 0 || (await accepted.needsCode(digest)),
  };
}

/** What repositories have, in PostgreSQL. */
export function sharedContent(held: HeldBlobs): NamedInBucket {
  return {
    ...{ area: 'registry', remedy: pushAgain },
    named: () => pages((after) => held.heldAfter(after, pageLength)),
    namesOf: (digest) => held.repositoriesWith(digest),
    isKept: async () => false,
  };
}

/** Checks each blob of pushed images against its digest. */
export async function checkSharedImages(blobs: BlobsCheck, findings: Findings): Promise<void> {
  const { damaged } = await readBlobs('registry', blobs, findings);
  for (const digest of damaged) findings.tell('registry', digest, damagedBlob, pushAgain);
}

/** Compares what was counted of each day with the records. */
export async function checkSharedUsage({ usage }: Pick<Store, 'usage'>, findings: Findings): Promise<void> {
  const advice = 'restore a backup; until then bills use the counter';
  for (const problem of await usage.problems()) findings.tell('databases', 'usage', problem, advice);
}

async function* pages(after: (digest: string) => Promise<readonly string[]>): AsyncGenerator<Digest> {
  for (let page = await after(''); page.length > 0; page = await after(page.at(-1) ?? ''))
    yield* page.filter(isDigest);
}
