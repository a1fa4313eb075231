/** Finds damage in a copy of the registry's database: counters and names that do not match their rows. */
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import type { Descriptor } from '../../images/index.ts';
import type { DatabaseSnapshot } from '../../store/index.ts';

const mostProblems = 20;

/** Each gives a sentence for each problem, in a column `text`. */
export const registryChecks = [
  {
    sql: `select namespace || ': the counter of ' || digest || ' is ' || said || ', the rows have ' || found as text
      from (
        select held.namespace, held.digest, held.count as said,
          (select count(*) from links where links.digest = held.digest and links.namespace = held.namespace)
          + (select count(*) from manifests
              where manifests.digest = held.digest and manifests.namespace = held.namespace) as found
        from holdings as held)
      where said <> found`,
  },
  {
    sql: `select usage.namespace || ': the counter has ' || usage.bytes || ' bytes, the rows have ' || coalesce(sum(held.bytes), 0) as text
      from usage left join holdings as held on held.namespace = usage.namespace
      group by usage.namespace having usage.bytes <> coalesce(sum(held.bytes), 0)`,
  },
  {
    sql: `select repository || ' refers to ' || digest || ', a missing blob' as text from (
        select repository, digest from links union select repository, digest from manifests)
      where digest not in (select digest from blobs)`,
  },
  {
    sql: `select tags.repository || ':' || tag || ' refers to ' || tags.digest || ', a missing manifest' as text
      from tags left join manifests
        on manifests.repository = tags.repository and manifests.digest = tags.digest
      where manifests.digest is null`,
  },
] as const;

const manifestRow = z.object({
  digest: z.string().refine(isDigest),
  media_type: z.string(),
  size: z.number(),
});

/** @throws Fault STORE_CORRUPT, STORE_FAILED */
export function registryProblems(registry: DatabaseSnapshot): readonly string[] {
  return registryChecks.flatMap(({ sql }) =>
    registry.all(`${sql} limit ${mostProblems}`).map(({ text }) => String(text)),
  );
}

/**
 * Digests whose bytes must exist: those that a repository has. Other rows are of pushes that have not ended, or of
 * garbage. @throws Fault STORE_CORRUPT, STORE_FAILED
 */
export function blobsKnownIn(registry: DatabaseSnapshot): readonly string[] {
  return registry.all('select distinct digest from holdings').map(({ digest }) => String(digest));
}

/** All manifests that were pushed. @throws Fault STORE_CORRUPT, STORE_FAILED */
export function manifestsKnownIn(registry: DatabaseSnapshot): readonly Descriptor[] {
  return registry
    .all('select distinct digest, media_type, size from manifests')
    .map((row) => manifestRow.parse(row))
    .map(({ digest, media_type: mediaType, size }) => ({ digest, mediaType, size }));
}
