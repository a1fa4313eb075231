/**
 * Removes garbage: repositories of deleted namespaces, unreferenced manifests, blobs without a manifest, bytes that
 * the database does not know. It walks tables in strides and rests after each. The transaction that removes something
 * checks again that it is garbage, so pushes continue meanwhile, and several servers can sweep at once.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../blobs/index.ts';
import { sweepBlobs } from './blob-sweep.ts';
import type { Content } from './content.ts';
import { type RegistryDatabase, step } from './database.ts';
import { isRepositoryName, namespaceOfRepository, type RepositoryName } from './names.ts';
import type { RegistryStoreLimits, SweepOptions, Swept } from './types.ts';
import { stride, walk } from './walk.ts';

export interface SweeperOptions {
  readonly db: RegistryDatabase;
  readonly content: Content;
  readonly limits: RegistryStoreLimits;
}

const namespaceRow = z.object({ namespace: z.string() });
const candidateRow = z.object({
  repository: z.string().refine(isRepositoryName),
  digest: z.string().refine(isDigest),
  isGarbage: z.number(),
});
const repositoryRow = z.object({ name: z.string().refine(isRepositoryName), isGarbage: z.number() });

export async function sweepRegistry(options: SweeperOptions, asked: SweepOptions): Promise<Swept> {
  await sweepNamespaces(options, asked);
  const manifests = await sweepManifests(options, asked);
  await sweepLinks(options, asked);
  await sweepRepositories(options, asked);
  return { manifests, ...(await sweepBlobs(options, asked)) };
}

/** Repositories of the namespace from before this time, for example of an earlier namespace of the same name. */
export async function forgetNamespace(
  db: RegistryDatabase,
  namespace: string,
  createdBefore: number,
): Promise<void> {
  const old = 'repository in (select name from repositories where namespace = ?1 and created_at < ?2)';
  const remove = async (table: 'manifests' | 'links') => {
    const some = `select repository, digest from ${table} where ${old} limit ${stride}`;
    const sql = `delete from ${table} where (repository, digest) in (${some})`;
    while ((await db.write(namespace, step(sql, namespace, createdBefore))) > 0);
  };
  await remove('manifests');
  await remove('links');
  for (const table of ['repositories', 'uploads']) {
    const sql = `delete from ${table} where namespace = ?1 and created_at < ?2`;
    await db.write(namespace, step(sql, namespace, createdBefore));
  }
}

async function sweepNamespaces({ db }: SweeperOptions, { namespaceSince }: SweepOptions): Promise<void> {
  for (const { namespace } of await db.all(namespaceRow, 'select distinct namespace from repositories')) {
    // A repository that is created later has no older content.
    const at = await db.now();
    await forgetNamespace(db, namespace, (await namespaceSince(namespace)) ?? at);
  }
}

/** Condition: without a tag, in no index, and without an existing subject. */
const isUnnamed = `manifests.touched_at < ?3
  and not exists (select 1 from tags where tags.repository = manifests.repository and tags.digest = manifests.digest)
  and not exists (select 1 from parts where parts.repository = manifests.repository and parts.digest = manifests.digest)
  and not exists (select 1 from manifests as other
    where other.repository = manifests.repository and other.digest = manifests.subject)`;

async function sweepManifests({ db, limits }: SweeperOptions, asked: SweepOptions): Promise<number> {
  if (limits.untaggedMs === 0) return 0;
  const garbage = {
    table: 'manifests',
    condition: isUnnamed,
    before: (await db.now()) - limits.untaggedMs,
  } as const;
  return sweepRows(db, asked, garbage, (repository, digest) => asked.isInUse(repository, digest));
}

/** Condition: no manifest of its repository needs it. */
const isUnneeded = `links.touched_at < ?3
  and not exists (select 1 from parts where parts.repository = links.repository and parts.digest = links.digest)`;

async function sweepLinks({ db, limits }: SweeperOptions, asked: SweepOptions): Promise<void> {
  const garbage = {
    table: 'links',
    condition: isUnneeded,
    before: (await db.now()) - limits.graceMs,
  } as const;
  await sweepRows(db, asked, garbage, () => false);
}

interface Garbage {
  readonly table: 'manifests' | 'links';
  /** Parameters: repository, digest, `before`. */
  readonly condition: string;
  readonly before: number;
}

async function sweepRows(
  db: RegistryDatabase,
  asked: SweepOptions,
  { table, condition, before }: Garbage,
  isKept: (repository: RepositoryName, digest: Digest) => boolean | Promise<boolean>,
): Promise<number> {
  let count = 0;
  await walk(asked, async (last: z.infer<typeof candidateRow> | undefined) => {
    const rows = await db.all(
      candidateRow,
      `select repository, digest, case when ${condition} then 1 else 0 end as "isGarbage" from ${table}
         where (repository, digest) > (?1, ?2) order by repository, digest limit ${stride}`,
      ...[last?.repository ?? '', last?.digest ?? '', before],
    );
    for (const { repository, digest, isGarbage } of rows) {
      if (isGarbage === 0 || (await isKept(repository, digest))) continue;
      const sql = `delete from ${table} where repository = ?1 and digest = ?2 and ${condition}`;
      count += await db.write(namespaceOfRepository(repository), step(sql, repository, digest, before));
    }
    return rows.at(-1);
  });
  return count;
}

const isEmpty = `not exists (select 1 from manifests where repository = name)
  and not exists (select 1 from links where repository = name)`;

async function sweepRepositories({ db }: SweeperOptions, asked: SweepOptions): Promise<void> {
  await walk(asked, async (last: z.infer<typeof repositoryRow> | undefined) => {
    const rows = await db.all(
      repositoryRow,
      `select name, case when ${isEmpty} then 1 else 0 end as "isGarbage" from repositories
         where name > ?1 order by name limit ${stride}`,
      last?.name ?? '',
    );
    for (const { name, isGarbage } of rows) {
      if (isGarbage === 0) continue;
      const sql = `delete from repositories where name = ?1 and ${isEmpty}`;
      await db.write(namespaceOfRepository(name), step(sql, name));
    }
    return rows.at(-1);
  });
}
