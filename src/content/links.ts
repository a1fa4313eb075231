/** Links between repositories and blobs. A repository serves only its own blobs, even if the store has others. */
import { z } from 'zod';
import type { Digest, SecondName } from '../blobs/index.ts';
import type { BatchStep } from '../store/index.ts';
import { type RegistryDatabase, step } from './database.ts';
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import { noteStep } from './noted.ts';
import { checkRoom, hasRoom, roomValues } from './room.ts';
import { secondNameSteps } from './second-names.ts';
import type { LimitsOf, WhichBlobs } from './types.ts';

export interface Links {
  /** Links a blob to the repository. False: it changed nothing, because others were faster. @throws Fault STORAGE_EXHAUSTED */
  add(repository: RepositoryName, blob: PushedBlob): Promise<boolean>;
  /** @throws Fault BLOB_UNKNOWN */
  size(repository: RepositoryName, digest: Digest, which?: WhichBlobs): Promise<number>;
  mount(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName | undefined,
    which?: WhichBlobs,
  ): Promise<boolean>;
  /** @throws Fault BLOB_UNKNOWN, CONTENT_IN_USE */
  remove(repository: RepositoryName, digest: Digest): Promise<void>;
}

interface PushedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly secondName: SecondName | undefined;
}

const sizeRow = z.object({ size: z.number(), touched_at: z.number() });

export function createLinks(db: RegistryDatabase, limitsOf: LimitsOf): Links {
  return {
    async add(repository, { digest, size, secondName }) {
      const namespace = namespaceOfRepository(repository);
      const limits = await limitsOf(namespace);
      const at = await db.now();
      const changed = await db.write(
        namespace,
        step(
          `update blobs set touched_at = ?7 where digest = ?1 and doomed_at is null and ${hasRoom}`,
          ...[...roomValues(digest, size, repository, limits), at],
        ),
        ...linkSteps(repository, digest, at),
        ...secondNameSteps(secondName, digest),
      );
      if (changed > 0) return true;
      await checkRoom(db, repository, { digest, size }, limits);
      return false;
    },
    async size(repository, digest, which = 'any') {
      const row = await db.first(
        sizeRow,
        `select blobs.size, links.touched_at from links join blobs using (digest)
           where links.repository = ?1 and links.digest = ?2 and ${isShown('?3')}`,
        ...[repository, digest, which],
      );
      if (row === undefined) throw unknown(repository, digest);
      // The client is possibly about to push a manifest that names it.
      const namespace = namespaceOfRepository(repository);
      const { graceMs } = await limitsOf(namespace);
      const at = await db.now();
      if (row.touched_at >= at - graceMs / 4) return row.size;
      const touch = 'update links set touched_at = ?3 where repository = ?1 and digest = ?2';
      if ((await db.write(namespace, step(touch, repository, digest, at))) > 0) return row.size;
      throw unknown(repository, digest);
    },
    async mount(repository, digest, from, which = 'any') {
      const namespace = namespaceOfRepository(repository);
      const find = () => sizeFrom(db, { namespace, from }, digest, which);
      const source = await find();
      if (source === undefined) return false;
      const limits = await limitsOf(namespace);
      const at = await db.now();
      const changed = await db.write(
        namespace,
        step(
          `update blobs set touched_at = ?7 where digest = ?1 and doomed_at is null and ${hasRoom}
             and exists (select 1 from links where digest = ?1 and repository = ?8)`,
          ...[...roomValues(digest, source.size, repository, limits), at, source.repository],
        ),
        ...linkSteps(repository, digest, at),
      );
      if (changed > 0) return true;
      const isStillThere = await find();
      if (isStillThere !== undefined) await checkRoom(db, repository, { digest, size: source.size }, limits);
      return false;
    },
    remove: (repository, digest) => removeLink(db, repository, digest),
  };
}

/** Parameters: name, namespace, time. */
export const insertRepository = `
  insert into repositories (name, namespace, created_at) values (?1, ?2, ?3)
    on conflict (name) do update set name = excluded.name`;

function linkSteps(repository: RepositoryName, digest: Digest, at: number): readonly BatchStep[] {
  const namespace = namespaceOfRepository(repository);
  return [
    step(insertRepository, ...[repository, namespace, at]),
    step(
      `insert into links (repository, digest, namespace, touched_at) values (?1, ?2, ?3, ?4)
         on conflict (repository, digest) do update set touched_at = excluded.touched_at`,
      ...[repository, digest, namespace, at],
    ),
  ];
}

const partRow = z.object({ manifest: z.string() });

async function removeLink(db: RegistryDatabase, repository: RepositoryName, digest: Digest): Promise<void> {
  const changed = await db.write(
    namespaceOfRepository(repository),
    step(
      `delete from links where repository = ?1 and digest = ?2
         and not exists (select 1 from parts where repository = ?1 and digest = ?2)`,
      ...[repository, digest],
    ),
    noteStep(repository, `@${digest}`, { what: 'delete-blob', before: digest }),
  );
  if (changed > 0) return;
  const part = await db.first(
    partRow,
    `select manifest from parts join links using (repository, digest)
       where parts.repository = ?1 and parts.digest = ?2 limit 1`,
    ...[repository, digest],
  );
  if (part === undefined) throw unknown(repository, digest);
  throw registryStoreFault(
    'CONTENT_IN_USE',
    `the blob is a part of ${part.manifest}: delete that manifest first`,
  );
}

const sourceRow = z.object({ repository: z.string(), size: z.number() });

/** Looks in `from`; without it, in any repository of the namespace. */
function sizeFrom(
  db: RegistryDatabase,
  { namespace, from }: { readonly namespace: string; readonly from: RepositoryName | undefined },
  digest: Digest,
  which: WhichBlobs,
): Promise<z.infer<typeof sourceRow> | undefined> {
  const where = from === undefined ? 'links.namespace = ?2' : 'links.repository = ?2';
  return db.first(
    sourceRow,
    `select links.repository, blobs.size from links join blobs using (digest)
       where links.digest = ?1 and ${where} and ${isShown('?3')} limit 1`,
    ...[digest, from ?? namespace, which],
  );
}

/** @param which placeholder of a `WhichBlobs` */
function isShown(which: string): string {
  return `(${which} = 'any' or exists
    (select 1 from parts where parts.repository = links.repository and parts.digest = links.digest))`;
}

function unknown(repository: RepositoryName, digest: Digest) {
  return registryStoreFault('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
}
