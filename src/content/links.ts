/** Links between repositories and blobs. A repository serves only its own blobs, even if the store has others. */
import { z } from 'zod';
import type { Digest } from '../blobs/index.ts';
import type { BatchStep } from '../store/index.ts';
import { type RegistryDatabase, step } from './database.ts';
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import { hasRoom, roomValues, storageExhausted } from './room.ts';
import type { LimitsOf } from './types.ts';

export interface Links {
  /** Links a blob, whose bytes are stored, to the repository. @throws Fault STORAGE_EXHAUSTED */
  add(repository: RepositoryName, digest: Digest, size: number): Promise<void>;
  /** @throws Fault BLOB_UNKNOWN */
  size(repository: RepositoryName, digest: Digest, which?: 'any' | 'accepted'): Promise<number>;
  mount(repository: RepositoryName, digest: Digest, from: RepositoryName | undefined): Promise<boolean>;
  /** @throws Fault BLOB_UNKNOWN, CONTENT_IN_USE */
  remove(repository: RepositoryName, digest: Digest): Promise<void>;
}

const sizeRow = z.object({ size: z.number(), touched_at: z.number() });

export function createLinks(db: RegistryDatabase, limitsOf: LimitsOf, now: () => number): Links {
  return {
    async add(repository, digest, size) {
      const limits = await limitsOf(namespaceOfRepository(repository));
      const changed = await db.write(
        step(
          `insert into blobs (digest, size, touched_at) select ?1, ?2, ?7 where ${hasRoom}
             on conflict do update set size = excluded.size, touched_at = excluded.touched_at`,
          ...[...roomValues(digest, size, repository, limits), now()],
        ),
        ...linkSteps(repository, digest, now()),
      );
      if (changed === 0) throw await storageExhausted(db, repository, limits);
    },
    async size(repository, digest, which = 'any') {
      const row = await db.first(
        sizeRow,
        `select blobs.size, links.touched_at from links join blobs using (digest)
           where links.repository = ?1 and links.digest = ?2 and (?3 = 'any' or exists
             (select 1 from parts where parts.repository = ?1 and parts.digest = ?2))`,
        ...[repository, digest, which],
      );
      if (row === undefined) throw unknown(repository, digest);
      // The client is possibly about to push a manifest that names it.
      const { graceMs } = await limitsOf(namespaceOfRepository(repository));
      if (row.touched_at < now() - graceMs / 4) {
        await db.write(
          step(
            'update links set touched_at = ? where repository = ? and digest = ?',
            ...[now(), repository, digest],
          ),
        );
      }
      return row.size;
    },
    async mount(repository, digest, from) {
      const source = await sizeFrom(db, namespaceOfRepository(repository), digest, from);
      if (source === undefined) return false;
      const limits = await limitsOf(namespaceOfRepository(repository));
      const changed = await db.write(
        step(
          `update blobs set touched_at = ?7 where digest = ?1 and ${hasRoom}
             and exists (select 1 from links where digest = ?1 and repository = ?8)`,
          ...[...roomValues(digest, source.size, repository, limits), now(), source.repository],
        ),
        ...linkSteps(repository, digest, now()),
      );
      if (changed > 0) return true;
      const isStillThere = await sizeFrom(db, namespaceOfRepository(repository), digest, from);
      if (isStillThere === undefined) return false;
      throw await storageExhausted(db, repository, limits);
    },
    remove: (repository, digest) => removeLink(db, repository, digest),
  };
}

function linkSteps(repository: RepositoryName, digest: Digest, at: number): readonly BatchStep[] {
  const namespace = namespaceOfRepository(repository);
  return [
    step(
      'insert into repositories (name, namespace, created_at) values (?, ?, ?) on conflict do update set name = name',
      ...[repository, namespace, at],
    ),
    step(
      `insert into links (repository, digest, namespace, touched_at) values (?, ?, ?, ?)
         on conflict do update set touched_at = excluded.touched_at`,
      ...[repository, digest, namespace, at],
    ),
  ];
}

const partRow = z.object({ manifest: z.string() });

async function removeLink(db: RegistryDatabase, repository: RepositoryName, digest: Digest): Promise<void> {
  const changed = await db.write(
    step(
      `delete from links where repository = ?1 and digest = ?2
         and not exists (select 1 from parts where repository = ?1 and digest = ?2)`,
      ...[repository, digest],
    ),
  );
  if (changed > 0) return;
  const part = await db.first(
    partRow,
    `select manifest from parts join links using (repository, digest)
       where parts.repository = ? and parts.digest = ? limit 1`,
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
  namespace: string,
  digest: Digest,
  from: RepositoryName | undefined,
): Promise<z.infer<typeof sourceRow> | undefined> {
  const where = from === undefined ? 'links.namespace = ?2' : 'links.repository = ?2';
  return db.first(
    sourceRow,
    `select links.repository, blobs.size from links join blobs using (digest)
       where links.digest = ?1 and ${where} limit 1`,
    ...[digest, from ?? namespace],
  );
}

function unknown(repository: RepositoryName, digest: Digest) {
  return registryStoreFault('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
}
