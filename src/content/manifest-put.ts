/** The transaction that makes a manifest visible. */
import { step } from './database.ts';
import { listedArtifactType, type ManifestDocument } from './manifest-document.ts';
import { partsOf } from './manifest-parts.ts';
import { namespaceOfRepository, type RepositoryName, type Tag } from './names.ts';
import { hasRoom, roomValues } from './room.ts';
import type { RegistryStoreLimits } from './types.ts';

export interface PutFacts {
  readonly tags: readonly Tag[];
  readonly depth: number;
  readonly limits: RegistryStoreLimits;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The first step has the conditions of all steps. */
export function putSteps(
  repository: RepositoryName,
  document: ManifestDocument,
  { tags, depth, limits, at }: PutFacts,
) {
  const { digest, mediaType, bytes, subject, subjectName, annotations } = document;
  const namespace = namespaceOfRepository(repository);
  const parts = JSON.stringify(partsOf(document));
  const tagList = JSON.stringify(tags);
  const room = roomValues(digest, bytes.length, repository, limits);
  return [
    step(
      `insert into blobs (digest, size, touched_at) select ?1, ?2, ?7 where ${hasRoom}
         and (select count(*) from tags where repository = ?3 and tag not in (select value from json_each(?9)))
           + json_array_length(?9) <= ?10
         and not exists (select 1 from json_each(?8) as part where not iif(part.value ->> 'mayBeAbsent', true,
           iif(part.value ->> 'isManifest',
           exists (select 1 from manifests where repository = ?3 and digest = part.value ->> 'digest'),
           exists (select 1 from links where repository = ?3 and digest = part.value ->> 'digest'))))
         on conflict do update set touched_at = excluded.touched_at`,
      ...[...room, at, parts, tagList, limits.tagsPerRepository],
    ),
    step(
      'insert into repositories (name, namespace, created_at) values (?, ?, ?) on conflict do update set name = name',
      ...[repository, namespace, at],
    ),
    step(
      `insert into manifests (repository, digest, namespace, media_type, size, depth, subject, artifact_type,
           annotations, touched_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set touched_at = excluded.touched_at`,
      ...[repository, digest, namespace, mediaType, bytes.length, depth],
      ...[
        subject ?? subjectName ?? null,
        listedArtifactType(document) ?? null,
        JSON.stringify(annotations),
        at,
      ],
    ),
    // A manifest that loses its tag counts as untagged from now on.
    step(
      `update manifests set touched_at = ?4 where repository = ?1 and (digest = ?2 or digest in
         (select digest from tags where repository = ?1 and tag in (select value from json_each(?3))))`,
      ...[repository, digest, tagList, at],
    ),
    ...(tags.length === 0
      ? []
      : [
          step(
            `insert into tags (repository, tag, digest) select ?1, value, ?2 from json_each(?3) where true
               on conflict do update set digest = excluded.digest`,
            ...[repository, digest, tagList],
          ),
        ]),
    step(
      `insert into parts (repository, manifest, digest) select ?1, ?2, value ->> 'digest' from json_each(?3)
         where true on conflict do nothing`,
      ...[repository, digest, parts],
    ),
  ];
}
