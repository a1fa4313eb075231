/** The transaction that makes a manifest visible. */
import type { SecondName } from '../blobs/index.ts';
import type { BatchStep } from '../store/index.ts';
import { type SqlWords, step } from './database.ts';
import { insertRepository } from './links.ts';
import { listedArtifactType, type ManifestDocument } from './manifest-document.ts';
import { digestList, partsOf } from './manifest-parts.ts';
import { namespaceOfRepository, type RepositoryName, type Tag } from './names.ts';
import { noteStep, noteTagStep } from './noted.ts';
import { hasRoom, roomValues } from './room.ts';
import { secondNameSteps } from './second-names.ts';
import type { RegistryStoreLimits } from './types.ts';

export interface PutFacts {
  readonly tags: readonly Tag[];
  readonly secondName: SecondName | undefined;
  readonly depth: number;
  readonly limits: RegistryStoreLimits;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The first step has the conditions of all steps; one is that the row of the manifest's blob is live. */
export function putSteps(
  words: SqlWords,
  repository: RepositoryName,
  document: ManifestDocument,
  facts: PutFacts,
): readonly BatchStep[] {
  const { digest, mediaType, bytes, subject, subjectName, annotations } = document;
  const { secondName, depth, at } = facts;
  const namespace = namespaceOfRepository(repository);
  const tags = [...new Set(facts.tags)];
  const tagList = JSON.stringify(tags);
  return [
    admission(words, repository, document, { ...facts, tags }),
    ...secondNameSteps(secondName, digest),
    ...(tags.length === 0
      ? [noteStep(repository, `@${digest}`, { what: 'push', after: digest })]
      : tags.map((tag) => noteTagStep(repository, tag, { what: 'push', after: digest }))),
    step(insertRepository, repository, namespace, at),
    step(
      `insert into manifests (repository, digest, namespace, media_type, size, depth, subject, artifact_type,
           annotations, touched_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         on conflict (repository, digest) do update set touched_at = excluded.touched_at`,
      ...[repository, digest, namespace, mediaType, bytes.length, depth],
      ...[subject ?? subjectName ?? null, listedArtifactType(document) ?? null],
      ...[JSON.stringify(annotations), at],
    ),
    // A manifest that loses its tag counts as untagged from now on.
    step(
      `update manifests set touched_at = ?4 where repository = ?1 and (digest = ?2 or digest in
         (select digest from tags where repository = ?1 and tag in ${words.listed('?3')}))`,
      ...[repository, digest, tagList, at],
    ),
    ...(tags.length === 0
      ? []
      : [
          step(
            `insert into tags (repository, tag, digest)
               select ?1, value, ?2 from ${words.listed('?3')} as given where true
               on conflict (repository, tag) do update set digest = excluded.digest`,
            ...[repository, digest, tagList],
          ),
        ]),
    step(
      `insert into parts (repository, manifest, digest)
         select ?1, ?2, value from ${words.listed('?3')} as given where true
         on conflict (repository, manifest, digest) do nothing`,
      ...[repository, digest, digestList(partsOf(document))],
    ),
  ];
}

function admission(
  { listed }: SqlWords,
  repository: RepositoryName,
  document: ManifestDocument,
  { tags, limits, at }: PutFacts,
): BatchStep {
  const { digest, bytes } = document;
  const needed = partsOf(document).filter(({ mayBeAbsent }) => mayBeAbsent !== true);
  const manifests = needed.filter(({ isManifest }) => isManifest);
  const blobs = needed.filter(({ isManifest }) => !isManifest);
  return step(
    `update blobs set touched_at = ?7 where digest = ?1 and doomed_at is null and ${hasRoom}
       and (select count(*) from tags where repository = ?3 and tag not in ${listed('?8')}) <= ?9
       and (select count(*) from manifests where repository = ?3 and digest in ${listed('?10')}) = ?11
       and (select count(*) from links where repository = ?3 and digest in ${listed('?12')}) = ?13`,
    ...[...roomValues(digest, bytes.length, repository, limits), at],
    ...[JSON.stringify(tags), limits.tagsPerRepository - tags.length],
    ...[digestList(manifests), manifests.length, digestList(blobs), blobs.length],
  );
}
