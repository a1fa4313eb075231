/**
 * Removes garbage: repositories of deleted namespaces, unreferenced manifests, blobs without a manifest, files that
 * the database does not know. It walks tables in strides and rests after each. The transaction that removes something
 * checks again that it is garbage, so pushes continue meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Digest, isDigest } from '../blobs/index.ts';
import type { UnneededLook } from '../lib/index.ts';
import type { Content } from './content.ts';
import { type RegistryDatabase, step } from './database.ts';
import { isRepositoryName } from './names.ts';
import type { RegistryStoreLimits, SweepOptions, Swept } from './types.ts';

export interface SweeperOptions {
  readonly db: RegistryDatabase;
  readonly content: Content;
  readonly limits: RegistryStoreLimits;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Files that the database does not know. */
  readonly strangers: () => UnneededLook<Digest>;
}

const stride = 500;
const shortestRestMs = 2;

const namespaceRow = z.object({ namespace: z.string() });
const placeRow = z.object({
  repository: z.string().refine(isRepositoryName),
  digest: z.string().refine(isDigest),
});
const candidateRow = placeRow.extend({ isGarbage: z.number() });
const blobRow = z.object({ digest: z.string().refine(isDigest), isHeld: z.number() });

export async function sweepRegistry(options: SweeperOptions, asked: SweepOptions): Promise<Swept> {
  await sweepNamespaces(options, asked);
  const manifests = await sweepManifests(options, asked);
  await sweepLinks(options, asked);
  await sweepRepositories(options);
  const blobs = await sweepBlobs(options, asked);
  const files = await sweepFiles(options, asked);
  return { manifests, blobs: blobs.count + files.count, bytes: blobs.bytes + files.bytes };
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
    while ((await db.write(step(sql, namespace, createdBefore))) > 0);
  };
  await remove('manifests');
  await remove('links');
  await db.write(
    step('delete from repositories where namespace = ? and created_at < ?', namespace, createdBefore),
  );
}

async function sweepNamespaces({ db, now }: SweeperOptions, { namespaceSince }: SweepOptions): Promise<void> {
  for (const { namespace } of await db.all(namespaceRow, 'select distinct namespace from repositories')) {
    // A repository that is created later has no older content.
    const at = now();
    await forgetNamespace(db, namespace, (await namespaceSince(namespace)) ?? at);
  }
}

/** Condition: without a tag, in no index, and without an existing subject. */
const isUnnamed = `manifests.touched_at < ?3
  and not exists (select 1 from tags where tags.repository = manifests.repository and tags.digest = manifests.digest)
  and not exists (select 1 from parts where parts.repository = manifests.repository and parts.digest = manifests.digest)
  and not exists (select 1 from manifests as other
    where other.repository = manifests.repository and other.digest = manifests.subject)`;

async function sweepManifests(options: SweeperOptions, asked: SweepOptions): Promise<number> {
  const { db, limits, now } = options;
  if (limits.untaggedMs === 0) return 0;
  const before = now() - limits.untaggedMs;
  let count = 0;
  await walk(asked, async (last: z.infer<typeof candidateRow> | undefined) => {
    const rows = await db.all(
      candidateRow,
      `select repository, digest, ${isUnnamed} as isGarbage from manifests
         where (repository, digest) > (?1, ?2) order by repository, digest limit ${stride}`,
      ...[last?.repository ?? '', last?.digest ?? '', before],
    );
    for (const { repository, digest, isGarbage } of rows) {
      if (isGarbage === 0 || (await asked.isInUse(repository, digest))) continue;
      const sql = `delete from manifests where repository = ?1 and digest = ?2 and ${isUnnamed}`;
      count += await db.write(step(sql, repository, digest, before));
    }
    return rows.at(-1);
  });
  return count;
}

async function sweepLinks({ db, limits, now }: SweeperOptions, asked: SweepOptions): Promise<void> {
  const before = now() - limits.graceMs;
  await walk(asked, async (last: z.infer<typeof placeRow> | undefined) => {
    const from = [last?.repository ?? '', last?.digest ?? ''] as const;
    const some = `select repository, digest, touched_at from links
      where (repository, digest) > (?1, ?2) order by repository, digest limit ${stride}`;
    const rows = await db.all(placeRow, some, ...from);
    await db.write(
      step(
        `delete from links where (repository, digest) in (
           select repository, digest from (${some}) as some where touched_at < ?3 and not exists (
             select 1 from parts where parts.repository = some.repository and parts.digest = some.digest))`,
        ...[...from, before],
      ),
    );
    return rows.at(-1);
  });
}

async function sweepRepositories({ db }: SweeperOptions): Promise<void> {
  await db.write(
    step(
      `delete from repositories where not exists (select 1 from manifests where repository = name)
         and not exists (select 1 from links where repository = name)`,
    ),
  );
}

interface Removed {
  count: number;
  bytes: number;
}

async function sweepBlobs({ db, content }: SweeperOptions, asked: SweepOptions): Promise<Removed> {
  const removed = { count: 0, bytes: 0 };
  const isHeld = 'exists (select 1 from holdings where holdings.digest = blobs.digest)';
  const forget = (digest: Digest) => async () =>
    (await db.write(step(`delete from blobs where digest = ? and not ${isHeld}`, digest))) > 0;
  await walk(asked, async (last: z.infer<typeof blobRow> | undefined) => {
    const rows = await db.all(
      blobRow,
      `select digest, ${isHeld} as isHeld from blobs where digest > ? order by digest limit ${stride}`,
      last?.digest ?? '',
    );
    for (const row of rows) {
      if (row.isHeld === 0) await removeFile(content, row.digest, forget(row.digest), removed);
    }
    return rows.at(-1);
  });
  return removed;
}

/** Removes files that were written just before a process ended, or whose content was refused. */
async function sweepFiles({ db, content, strangers }: SweeperOptions, asked: SweepOptions): Promise<Removed> {
  const removed = { count: 0, bytes: 0 };
  const seen = strangers();
  const unknown = (digests: readonly Digest[]) =>
    db.all(
      z.object({ digest: z.string().refine(isDigest) }),
      'select value as digest from json_each(?) where not exists (select 1 from blobs where digest = value)',
      JSON.stringify(digests),
    );
  const isUnknown = (digest: Digest) => async () => (await unknown([digest])).length > 0;
  let some: Digest[] = [];
  const flush = async () => {
    for (const { digest } of await unknown(some)) {
      if (seen.isOver(digest)) await removeFile(content, digest, isUnknown(digest), removed);
    }
    some = [];
  };
  for await (const digest of content.blobs.list()) {
    if (asked.signal?.aborted) break;
    if (some.push(digest) === stride) await flush();
  }
  await flush();
  seen.end();
  return removed;
}

async function removeFile(
  content: Content,
  digest: Digest,
  forget: () => Promise<boolean>,
  removed: Removed,
) {
  const bytes = await content.remove(digest, forget);
  if (bytes === undefined) return;
  removed.count++;
  removed.bytes += bytes;
}

/** Calls `visit` with its last result until it returns undefined, and rests as long as each call took. */
async function walk<T>(
  { signal }: SweepOptions,
  visit: (last: T | undefined) => Promise<T | undefined>,
): Promise<void> {
  let last: T | undefined;
  do {
    if (signal?.aborted) return;
    const startedAt = performance.now();
    last = await visit(last);
    await sleep(Math.max(shortestRestMs, performance.now() - startedAt), undefined, { ref: false });
  } while (last !== undefined);
}
