/** Lists of repositories, tags and referrers, a page at a time, in the order of bytes. */
import { z } from 'zod';
import { isDigest } from '../blobs/index.ts';
import type { RegistryDatabase } from './database.ts';
import { registryStoreFault } from './faults.ts';
import type { Page, Referrer, RegistryStore } from './types.ts';

/** Limit of annotations in one page: the limit of a manifest. */
const maxAnnotations = 4 * 1024 * 1024;
/** Sorts behind every character of a name. */
const behind = '~';

const nameRow = z.object({ name: z.string() });
const foundRow = z.object({ found: z.number() });
const lengthRow = z.object({ digest: z.string(), length: z.number() });
const annotationsSchema = z.record(z.string(), z.string());
const referrerRow = z
  .object({
    digest: z.string().refine(isDigest),
    mediaType: z.string(),
    size: z.number(),
    artifactType: z.string().nullable(),
    annotations: z.string(),
  })
  .transform(
    (row): Referrer => ({
      ...row,
      artifactType: row.artifactType ?? undefined,
      annotations: annotationsSchema.parse(JSON.parse(row.annotations)),
    }),
  );

export type Listings = Pick<RegistryStore, 'listTags' | 'listRepositories' | 'listReferrers'>;

export function createListings(db: RegistryDatabase): Listings {
  return {
    async listTags(repository, { after, limit }) {
      const known = await db.first(
        foundRow,
        'select 1 as found from manifests where repository = ?1 limit 1',
        repository,
      );
      if (known === undefined) {
        throw registryStoreFault('REPOSITORY_UNKNOWN', `the repository ${repository} does not exist`);
      }
      const rows = await db.all(
        nameRow,
        'select tag as name from tags where repository = ?1 and tag > ?2 order by tag limit ?3',
        ...[repository, after, limit + 1],
      );
      return pageOf(rows, limit);
    },
    async listRepositories(prefixes, { after, limit }) {
      const found = await Promise.all(
        prefixes.map((prefix) =>
          db.all(
            nameRow,
            `select name from repositories where name > ?1 and name >= ?2 and name < ?3
               and exists (select 1 from manifests where repository = name) order by name limit ?4`,
            ...[after, prefix, prefix + behind, limit + 1],
          ),
        ),
      );
      const names = new Set(found.flat().map(({ name }) => name));
      return pageOf(
        [...names].toSorted().map((name) => ({ name })),
        limit,
      );
    },
    async listReferrers(repository, subject, artifactType, { after, limit }) {
      const which = `manifests where repository = ?1 and (subject = ?2
          or subject in (select digest from second_names where name = ?2)
          or subject in (select name from second_names where digest = ?2)) and digest > ?3
        and (cast(?4 as text) is null or artifact_type = ?4) order by digest limit ?5`;
      const values = [repository, subject, after, artifactType ?? null] as const;
      const lengths = await db.all(
        lengthRow,
        `select digest, length(annotations) as length from ${which}`,
        ...[...values, limit + 1],
      );
      const count = Math.min(limit, fitting(lengths.map(({ length }) => length)));
      const items = await db.all(
        referrerRow,
        `select digest, media_type as "mediaType", size, artifact_type as "artifactType", annotations from ${which}`,
        ...[...values, count],
      );
      return { items, hasMore: lengths.length > count };
    },
  };
}

function pageOf(rows: readonly { readonly name: string }[], limit: number): Page<string> {
  return { items: rows.slice(0, limit).map(({ name }) => name), hasMore: limit > 0 && rows.length > limit };
}

/** Number of leading entries that fit into one page; at least one. */
function fitting(lengths: readonly number[]): number {
  let total = 0;
  const over = lengths.findIndex((length) => {
    total += length;
    return total > maxAnnotations;
  });
  return over === -1 ? lengths.length : Math.max(1, over);
}
