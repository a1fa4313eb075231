/** Checks what a data folder holds for a state that is in PostgreSQL. The database itself has tools of its own. */
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { Store } from '../../store/index.ts';
import { type BlobsCheck, damagedBlob, readBlobs } from './databases.ts';
import type { Findings } from './findings.ts';

interface SharedCodeCheck extends BlobsCheck {
  readonly store: Pick<Store, 'namespaces' | 'entities'>;
}

const pageLength = 200;
const remedy = 'deploy the action again, or copy the code from a backup of the folder';

/** Checks each blob of code against its digest, and that the code of each action is there. */
export async function checkSharedCode(
  { store, ...blobs }: SharedCodeCheck,
  findings: Findings,
): Promise<void> {
  const { present, damaged } = await readBlobs('code', blobs, findings);
  for (const digest of damaged) findings.tell('code', digest, damagedBlob, remedy);
  for await (const [digest, action] of codeNamed(store)) {
    // A server deletes a blob after the last row that names it.
    if (present.has(digest) || (await store.entities.countByCodeDigest(digest)) === 0) continue;
    findings.tell('code', `${digest} (${action})`, 'is missing', remedy);
  }
}

/** Checks each blob of pushed images against its digest. */
export async function checkSharedImages(blobs: BlobsCheck, findings: Findings): Promise<void> {
  const { damaged } = await readBlobs('registry', blobs, findings);
  for (const digest of damaged) findings.tell('registry', digest, damagedBlob, 'push the image again');
}

/** Compares what was counted of each day with the records. */
export async function checkSharedUsage({ usage }: Pick<Store, 'usage'>, findings: Findings): Promise<void> {
  const advice = 'restore a backup; until then bills use the counter';
  for (const problem of await usage.problems()) findings.tell('databases', 'usage', problem, advice);
}

async function* codeNamed({
  namespaces,
  entities,
}: SharedCodeCheck['store']): AsyncGenerator<readonly [digest: Digest, action: string]> {
  for (const { name: namespace } of await namespaces.list()) {
    for (let skip = 0; ; skip += pageLength) {
      const rows = await entities.list({ namespace, collection: 'actions', skip, limit: pageLength });
      for (const { path, codeDigest } of rows)
        if (codeDigest !== null && isDigest(codeDigest)) yield [codeDigest, `${namespace}/${path}`];
      if (rows.length < pageLength) break;
    }
  }
}
