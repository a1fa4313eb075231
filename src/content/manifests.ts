/**
 * Manifests and tags. A manifest exists only together with all of its parts: the transaction that makes it visible checks
 * this, and a part can't be deleted before the manifest.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../blobs/index.ts';
import { isFault } from '../lib/index.ts';
import type { Content } from './content.ts';
import { type RegistryDatabase, step } from './database.ts';
import { registryStoreFault } from './faults.ts';
import { type ManifestDocument, maxManifestBytes, readManifestDocument } from './manifest-document.ts';
import { checkParts, digestList, partsOf } from './manifest-parts.ts';
import { putSteps } from './manifest-put.ts';
import { namespaceOfRepository, type RepositoryName, type Tag } from './names.ts';
import { noteStep, noteTagStep } from './noted.ts';
import { checkRoom } from './room.ts';
import type { SecondNames } from './second-names.ts';
import type {
  DeletedManifest,
  LimitsOf,
  ManifestPush,
  RegistryStoreLimits,
  StoredManifest,
} from './types.ts';

export interface Manifests {
  parse(bytes: Buffer, contentType: string): Promise<ManifestDocument>;
  put(push: ManifestPush): Promise<void>;
  find(repository: RepositoryName, reference: Tag | Digest): Promise<StoredManifest>;
  read(digest: Digest): Promise<Buffer>;
  delete(repository: RepositoryName, reference: Tag | Digest): Promise<DeletedManifest>;
}

export interface ManifestsOptions {
  readonly db: RegistryDatabase;
  readonly content: Content;
  readonly limitsOf: LimitsOf;
  readonly admitWrite: (bytes: number) => void;
  readonly names: SecondNames;
}

const manifestRow = z.object({
  digest: z.string().refine(isDigest),
  mediaType: z.string(),
  size: z.number(),
});

export function createManifests(options: ManifestsOptions): Manifests {
  const { db, content, limitsOf, admitWrite, names } = options;
  return {
    parse: async (bytes, contentType) => readManifestDocument(bytes, contentType, await names.namesIn(bytes)),
    async put({ repository, document, secondName, tags, admit }) {
      admitWrite(document.bytes.length);
      const depth = await checkParts(db, repository, document);
      try {
        await admit();
      } catch (error) {
        if (isFault(error) && error.kind === 'denied') await forgetParts(db, repository, document);
        throw error;
      }
      const namespace = namespaceOfRepository(repository);
      const limits = await limitsOf(namespace);
      await content.put(document.bytes, document.digest, async () => {
        const facts = { tags, secondName, depth, limits, at: await db.now() };
        if ((await db.write(namespace, ...putSteps(db.words, repository, document, facts))) > 0) return true;
        await checkParts(db, repository, document);
        await checkTags(db, repository, tags, limits);
        await checkRoom(db, repository, { digest: document.digest, size: document.bytes.length }, limits);
        return false;
      });
    },
    async find(repository, reference) {
      const digest = isDigest(reference)
        ? '?2'
        : '(select digest from tags where repository = ?1 and tag = ?2)';
      const row = await db.first(
        manifestRow,
        `select digest, media_type as "mediaType", size from manifests where repository = ?1 and digest = ${digest}`,
        ...[repository, reference],
      );
      if (row === undefined) throw unknown(repository, reference);
      return row;
    },
    read: (digest) => content.blobs.get(digest, maxManifestBytes),
    async delete(repository, reference) {
      if (!isDigest(reference)) {
        const steps = untag(repository, reference, await db.now());
        const changed = await db.write(namespaceOfRepository(repository), ...steps);
        if (changed === 0) throw unknown(repository, reference);
        return { digest: undefined, tags: [reference], subject: undefined };
      }
      const doomed = await describe(db, repository, reference);
      if ((await deleteManifest(db, repository, reference)) === 0) throw unknown(repository, reference);
      return doomed;
    },
  };
}

/** Unlinks the parts of a refused manifest, so that no one can pull them by their digests, unless an accepted manifest needs them. */
async function forgetParts(
  db: RegistryDatabase,
  repository: RepositoryName,
  document: ManifestDocument,
): Promise<void> {
  const blobs = partsOf(document).filter(({ isManifest }) => !isManifest);
  const namespace = namespaceOfRepository(repository);
  await db.write(
    namespace,
    step(
      `delete from links where namespace = ?1 and digest in ${db.words.listed('?2')} and not exists
         (select 1 from parts where parts.repository = links.repository and parts.digest = links.digest)`,
      ...[namespace, digestList(blobs)],
    ),
  );
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
       where repository = ?1 and tag not in ${db.words.listed('?2')}`,
    ...[repository, JSON.stringify(tags)],
  );
  if ((row?.count ?? 0) + tags.length <= tagsPerRepository) return;
  throw registryStoreFault(
    'STORAGE_EXHAUSTED',
    `${repository} can have ${tagsPerRepository} tags, and this push would exceed that: delete some`,
  );
}

function untag(repository: RepositoryName, tag: Tag, at: number) {
  return [
    step(
      `update manifests set touched_at = ?3
         where repository = ?1 and digest = (select digest from tags where repository = ?1 and tag = ?2)`,
      ...[repository, tag, at],
    ),
    noteTagStep(repository, tag, { what: 'delete-tag' }),
    step('delete from tags where repository = ?1 and tag = ?2', repository, tag),
  ];
}

const subjectRow = z.object({ subject: z.string().nullable() });
const tagRow = z.object({ tag: z.string() });

async function describe(
  db: RegistryDatabase,
  repository: RepositoryName,
  digest: Digest,
): Promise<DeletedManifest> {
  const row = await db.first(
    subjectRow,
    'select subject from manifests where repository = ?1 and digest = ?2',
    ...[repository, digest],
  );
  const tags = await db.all(
    tagRow,
    'select tag from tags where repository = ?1 and digest = ?2',
    ...[repository, digest],
  );
  const subject = row?.subject ?? '';
  return { digest, tags: tags.map(({ tag }) => tag), subject: isDigest(subject) ? subject : undefined };
}

const indexRow = z.object({ manifest: z.string() });

/** Deletes it with its tags. @throws Fault CONTENT_IN_USE */
async function deleteManifest(
  db: RegistryDatabase,
  repository: RepositoryName,
  digest: Digest,
): Promise<number> {
  const changed = await db.write(
    namespaceOfRepository(repository),
    step(
      `delete from manifests where repository = ?1 and digest = ?2
         and not exists (select 1 from parts where repository = ?1 and digest = ?2)`,
      ...[repository, digest],
    ),
    noteStep(repository, `@${digest}`, { what: 'delete-manifest', before: digest }),
  );
  if (changed > 0) return changed;
  const index = await db.first(
    indexRow,
    `select manifest from parts join manifests using (repository, digest)
       where parts.repository = ?1 and parts.digest = ?2 limit 1`,
    ...[repository, digest],
  );
  if (index === undefined) return 0;
  throw registryStoreFault(
    'CONTENT_IN_USE',
    `the manifest is a part of ${index.manifest}: delete that manifest first`,
  );
}

function unknown(repository: RepositoryName, reference: string) {
  return registryStoreFault('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference.slice(0, 128)}`);
}
