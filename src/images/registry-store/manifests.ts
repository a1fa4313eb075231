/**
 * Manifests and tags. A manifest is there only together with all of its parts: that is a condition of the transaction
 * that makes it visible, and what is a part of it can't be deleted before it.
 */
import { z } from 'zod';
import { isDigest } from '../digest.ts';
import type { Digest } from '../types.ts';
import type { Content } from './content.ts';
import { type RegistryDatabase, step } from './database.ts';
import { registryStoreFault } from './faults.ts';
import {
  isManifestType,
  listedArtifactType,
  type ManifestDocument,
  maxManifestBytes,
} from './manifest-document.ts';
import { namespaceOfRepository, type RepositoryName, type Tag } from './names.ts';
import { hasRoom, roomValues, storageExhausted } from './room.ts';
import type { ManifestPush, RegistryStoreLimits, StoredManifest } from './types.ts';

export interface Manifests {
  put(push: ManifestPush): Promise<void>;
  find(repository: RepositoryName, reference: Tag | Digest): Promise<StoredManifest>;
  read(digest: Digest): Promise<Buffer>;
  delete(repository: RepositoryName, reference: Tag | Digest): Promise<void>;
}

export interface ManifestsOptions {
  readonly db: RegistryDatabase;
  readonly content: Content;
  readonly limits: RegistryStoreLimits;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Indexes of indexes and so on; an image by itself has the depth 0. */
const deepest = 4;

const manifestRow = z.object({
  digest: z.string().refine(isDigest),
  mediaType: z.string(),
  size: z.number(),
});

export function createManifests({ db, content, limits, now }: ManifestsOptions): Manifests {
  return {
    async put({ repository, document, tags, admit }) {
      const depth = await checkParts(db, repository, document);
      await admit();
      await content.put(document.bytes, document.digest, async () => {
        const steps = stepsOf(repository, document, { tags, depth, limits, at: now() });
        if ((await db.write(...steps)) > 0) return;
        await checkParts(db, repository, document);
        await checkTags(db, repository, tags, limits);
        throw storageExhausted(namespaceOfRepository(repository), limits);
      });
    },
    async find(repository, reference) {
      const digest = isDigest(reference)
        ? '?2'
        : '(select digest from tags where repository = ?1 and tag = ?2)';
      const row = await db.first(
        manifestRow,
        `select digest, media_type as mediaType, size from manifests where repository = ?1 and digest = ${digest}`,
        ...[repository, reference],
      );
      if (row === undefined) throw unknown(repository, reference);
      return row;
    },
    read: (digest) => content.read(digest, maxManifestBytes),
    async delete(repository, reference) {
      const changed = isDigest(reference)
        ? await deleteManifest(db, repository, reference)
        : await db.write(...untag(repository, reference, now()));
      if (changed === 0) throw unknown(repository, reference);
    },
  };
}

interface Part {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly isManifest: boolean;
}

/** Each once: images do have the same layer twice. @throws Fault MANIFEST_INVALID when it is said to differ */
function partsOf({ config, layers, manifests }: ManifestDocument): Part[] {
  const parts = new Map<Digest, Part>();
  for (const { digest, size, mediaType } of [...(config ? [config] : []), ...layers, ...manifests]) {
    const part = { digest, size, mediaType, isManifest: manifests.length > 0 && isManifestType(mediaType) };
    const known = parts.get(digest);
    if (known !== undefined && (known.size !== size || known.isManifest !== part.isManifest)) {
      throw registryStoreFault('MANIFEST_INVALID', `the manifest names ${digest} twice, in two ways`);
    }
    parts.set(digest, part);
  }
  return [...parts.values()];
}

const foundRow = z.object({
  digest: z.string(),
  size: z.number().nullable(),
  mediaType: z.string().nullable(),
  depth: z.number().nullable(),
});

/**
 * Every part is in the repository, and is what the manifest says of it. Returns the manifest's own depth.
 * @throws Fault MANIFEST_PART_UNKNOWN, MANIFEST_INVALID
 */
async function checkParts(
  db: RegistryDatabase,
  repository: RepositoryName,
  document: ManifestDocument,
): Promise<number> {
  const parts = partsOf(document);
  const rows = await db.all(
    foundRow,
    `select part.value ->> 'digest' as digest, coalesce(manifests.size, blobs.size) as size,
       manifests.media_type as mediaType, manifests.depth as depth
     from json_each(?2) as part
     left join manifests on part.value ->> 'isManifest'
       and manifests.repository = ?1 and manifests.digest = part.value ->> 'digest'
     left join links on not part.value ->> 'isManifest'
       and links.repository = ?1 and links.digest = part.value ->> 'digest'
     left join blobs on blobs.digest = links.digest`,
    ...[repository, JSON.stringify(parts)],
  );
  const found = new Map(rows.map((row) => [row.digest, row]));
  let depth = document.isIndex ? 1 : 0;
  for (const part of parts) {
    const row = found.get(part.digest);
    const what = part.isManifest ? 'manifest' : 'blob';
    if (row === undefined || row.size === null) {
      throw registryStoreFault(
        'MANIFEST_PART_UNKNOWN',
        `${repository} has no ${what} ${part.digest}: push it first`,
      );
    }
    if (row.size !== part.size) {
      throw registryStoreFault(
        'MANIFEST_INVALID',
        `the ${what} ${part.digest} has ${row.size} bytes, and not ${part.size} as the manifest says`,
      );
    }
    if (part.isManifest && row.mediaType !== part.mediaType) {
      throw registryStoreFault(
        'MANIFEST_INVALID',
        `the manifest ${part.digest} is of the type ${row.mediaType}`,
      );
    }
    depth = Math.max(depth, (row.depth ?? -1) + 1);
  }
  if (depth <= deepest) return depth;
  throw registryStoreFault('MANIFEST_INVALID', `indexes are nested deeper than ${deepest} levels`);
}

interface PutFacts {
  readonly tags: readonly Tag[];
  readonly depth: number;
  readonly limits: RegistryStoreLimits;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The first step has the conditions of all. */
function stepsOf(
  repository: RepositoryName,
  document: ManifestDocument,
  { tags, depth, limits, at }: PutFacts,
) {
  const { digest, mediaType, bytes, subject, annotations } = document;
  const namespace = namespaceOfRepository(repository);
  const parts = JSON.stringify(partsOf(document));
  const tagList = JSON.stringify(tags);
  const room = roomValues(digest, bytes.length, repository, limits);
  return [
    step(
      `insert into blobs (digest, size, touched_at) select ?1, ?2, ?7 where ${hasRoom}
         and (select count(*) from tags where repository = ?3 and tag not in (select value from json_each(?9)))
           + json_array_length(?9) <= ?10
         and not exists (select 1 from json_each(?8) as part where not iif(part.value ->> 'isManifest',
           exists (select 1 from manifests where repository = ?3 and digest = part.value ->> 'digest'),
           exists (select 1 from links where repository = ?3 and digest = part.value ->> 'digest')))
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
      ...[subject ?? null, listedArtifactType(document) ?? null, JSON.stringify(annotations), at],
    ),
    // What loses its tag now is untagged from now on.
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

const countRow = z.object({ count: z.number() });

/** @throws Fault STORAGE_EXHAUSTED */
async function checkTags(
  db: RegistryDatabase,
  repository: RepositoryName,
  tags: readonly Tag[],
  { tagsPerRepository }: RegistryStoreLimits,
): Promise<void> {
  const row = await db.first(
    countRow,
    `select count(*) as count from tags
       where repository = ? and tag not in (select value from json_each(?))`,
    ...[repository, JSON.stringify(tags)],
  );
  if ((row?.count ?? 0) + tags.length <= tagsPerRepository) return;
  throw registryStoreFault(
    'STORAGE_EXHAUSTED',
    `${repository} may have ${tagsPerRepository} tags, and this would be more: delete some`,
  );
}

function untag(repository: RepositoryName, tag: Tag, at: number) {
  return [
    step(
      `update manifests set touched_at = ?3
         where repository = ?1 and digest = (select digest from tags where repository = ?1 and tag = ?2)`,
      ...[repository, tag, at],
    ),
    step('delete from tags where repository = ? and tag = ?', repository, tag),
  ];
}

const indexRow = z.object({ manifest: z.string() });

/** Its tags go with it. @throws Fault CONTENT_IN_USE */
async function deleteManifest(
  db: RegistryDatabase,
  repository: RepositoryName,
  digest: Digest,
): Promise<number> {
  const changed = await db.write(
    step(
      `delete from manifests where repository = ?1 and digest = ?2
         and not exists (select 1 from parts where repository = ?1 and digest = ?2)`,
      ...[repository, digest],
    ),
  );
  if (changed > 0) return changed;
  const index = await db.first(
    indexRow,
    `select manifest from parts join manifests using (repository, digest)
       where parts.repository = ? and parts.digest = ? limit 1`,
    ...[repository, digest],
  );
  if (index === undefined) return 0;
  throw registryStoreFault(
    'CONTENT_IN_USE',
    `the manifest is a part of ${index.manifest}: delete that first`,
  );
}

function unknown(repository: RepositoryName, reference: string) {
  return registryStoreFault('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference.slice(0, 128)}`);
}
