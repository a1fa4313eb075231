/**
 * Finds the companions of a manifest: signatures and attestations, under a tag made from its digest or as referrers.
 * It searches every repository that has the manifest, since trust depends on the signer and not on the place.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../blobs/index.ts';
import { indexTypes } from '../images/index.ts';
import type { RegistryDatabase } from './database.ts';
import { isRepositoryName } from './names.ts';
import type { RegistryStore } from './types.ts';

/**
 * Limit for one repository. The namespaces also take turns, each with its repositories in turn: whoever has the manifest in
 * many repositories, or for longer, must not hide what the others have.
 */
const mostOfRepository = 50;
const most = 500;
/** More than a manifest with a hundred signatures. */
const longest = 256 * 1024;
const mostSubjects = 10_000;
/** An image is in one index for each of its names. */
const mostIndexesOfRepository = 10;
const mostIndexes = 50;

const companionRow = z.object({
  repository: z.string().refine(isRepositoryName),
  digest: z.string().refine(isDigest),
  mediaType: z.string(),
  size: z.number(),
});
const subjectRow = z.object({ digest: z.string() });

const turn = 'row_number() over (partition by namespace order by place, since, repository) as turn';

export type Companions = Pick<RegistryStore, 'listCompanions' | 'listIndexes' | 'listSubjects'>;

export function createCompanions(db: RegistryDatabase): Companions {
  const { listed } = db.words;
  return {
    listCompanions: (subject, tags, types) =>
      db.all(
        companionRow,
        `with held as (
           select m.repository, m.namespace, coalesce(r.created_at, 0) as since
             from manifests m left join repositories r on r.name = m.repository where m.digest = ?1),
         found as (
           select 0 as kind, held.*, m.digest, m.media_type, m.size from held
             join tags t on t.repository = held.repository and t.tag in ${listed('?2')}
             join manifests m on m.repository = t.repository and m.digest = t.digest
           union
           select case when m.artifact_type in ${listed('?6')} then 1 else 2 end,
               held.*, m.digest, m.media_type, m.size from held
             join manifests m on m.repository = held.repository and m.subject = ?1),
         ranked as (
           select repository, namespace, since, digest, media_type, size,
               row_number() over (partition by repository order by min(kind), digest) as place
             from found where size <= ?3 group by repository, namespace, since, digest, media_type, size),
         in_turn as (
           select *, ${turn} from ranked where place <= ?4)
         select repository, digest, media_type as "mediaType", size from in_turn
           order by turn, since, repository limit ?5`,
        ...[subject, JSON.stringify(tags), longest, mostOfRepository, most, JSON.stringify(types)],
      ),
    async listIndexes(child, suffix) {
      const rows = await db.all(
        subjectRow,
        `with held as (
           select p.manifest as digest, p.repository, m.namespace, coalesce(r.created_at, 0) as since
             from manifests m
             join parts p on p.repository = m.repository and p.digest = m.digest
             join manifests i on i.repository = p.repository and i.digest = p.manifest
             left join repositories r on r.name = p.repository
             where m.digest = ?1 and i.media_type in ${listed('?2')}),
         found as (
           select * from held where
             exists (select 1 from manifests s where s.repository = held.repository and s.subject = held.digest)
             or exists (select 1 from tags t where t.repository = held.repository
               and t.tag = 'sha256-' || substr(held.digest, 8) || ?3)),
         ranked as (
           select *, row_number() over (partition by repository order by digest) as place from found),
         in_turn as (
           select *, ${turn} from ranked where place <= ?4)
         select digest from in_turn group by digest order by min(turn), min(since), digest limit ?5`,
        ...[child, JSON.stringify([...indexTypes]), suffix, mostIndexesOfRepository, mostIndexes],
      );
      return rows.flatMap(({ digest }): Digest[] => (isDigest(digest) ? [digest] : []));
    },
    async listSubjects(suffix) {
      const rows = await db.all(
        subjectRow,
        `select 'sha256:' || substr(tag, 8, 64) as digest from tags
           where tag > 'sha256-' and tag < 'sha256.' and substr(tag, 72) = ?1
         union
         select subject from manifests where subject is not null limit ?2`,
        ...[suffix, mostSubjects],
      );
      return rows.flatMap(({ digest }): Digest[] => (isDigest(digest) ? [digest] : []));
    },
  };
}
