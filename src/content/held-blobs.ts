/** Which bytes must exist: those of what a repository has. */
import { z } from 'zod';
import { type Digest, isDigest } from '../blobs/index.ts';
import { openRegistryDatabase, type RegistryPlace } from './open-database.ts';

export interface HeldBlobs {
  /** The next digests after this one, in their order. */
  heldAfter(digest: string, limit: number): Promise<readonly Digest[]>;
  /** Up to five. */
  repositoriesWith(digest: Digest): Promise<readonly string[]>;
}

const digestRow = z.object({ digest: z.string().refine(isDigest) });
const repositoryRow = z.object({ repository: z.string() });

/** @throws Faults of the store room */
export async function openHeldBlobs(
  place: Pick<RegistryPlace, 'dir' | 'database'>,
): Promise<HeldBlobs & AsyncDisposable> {
  const db = await openRegistryDatabase(place);
  return {
    async heldAfter(digest, limit) {
      const sql = 'select distinct digest from holdings where digest > ?1 order by digest limit ?2';
      return (await db.all(digestRow, sql, digest, limit)).map((row) => row.digest);
    },
    async repositoriesWith(digest) {
      const sql = `select repository from links where digest = ?1
        union select repository from manifests where digest = ?1 order by repository limit 5`;
      return (await db.all(repositoryRow, sql, digest)).map(({ repository }) => repository);
    },
    [Symbol.asyncDispose]: () => db.close(),
  };
}
