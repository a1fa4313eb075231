/**
 * Removes blobs that no repository has, in two phases (`blob-rows.ts`): it dooms their rows, and removes their bytes
 * `doomedMs` later. Bytes without a row get a doomed row, and go the same way.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../blobs/index.ts';
import { doomSteps, doomWithoutRowStep, isUnheld } from './blob-rows.ts';
import type { Content } from './content.ts';
import type { RegistryDatabase } from './database.ts';
import type { RegistryStoreLimits, SweepOptions, Swept } from './types.ts';
import { stride, walk } from './walk.ts';

interface BlobSweepOptions {
  readonly db: RegistryDatabase;
  readonly content: Content;
  readonly limits: Pick<RegistryStoreLimits, 'graceMs' | 'doomedMs'>;
}

/** One object that can't be removed must not stop the others; a store that is away must not cost a time limit for each. */
const mostFailures = 10;
/** Longer than a push needs from the row of a blob to its name. */
const longestNamingMs = 3_600_000;

type Asked = Pick<SweepOptions, 'signal'>;

export async function sweepBlobs(options: BlobSweepOptions, asked: Asked): Promise<Omit<Swept, 'manifests'>> {
  await doomUnheld(options, asked);
  await doomBytesWithoutRow(options, asked);
  return removeDoomed(options, asked);
}

const candidateRow = z.object({ digest: z.string().refine(isDigest), isGarbage: z.number() });

async function doomUnheld({ db, limits }: BlobSweepOptions, asked: Asked): Promise<void> {
  const at = await db.now();
  const before = at - Math.min(limits.graceMs, longestNamingMs);
  await walk(asked, async (last: z.infer<typeof candidateRow> | undefined) => {
    const rows = await db.all(
      candidateRow,
      `select digest, case when ${isUnheld} then 1 else 0 end as "isGarbage" from blobs
         where digest > ?1 order by digest limit ${stride}`,
      ...[last?.digest ?? '', before],
    );
    for (const { digest, isGarbage } of rows)
      if (isGarbage === 1) await db.write(undefined, ...doomSteps(digest, before, at));
    return rows.at(-1);
  });
}

const digestRow = z.object({ digest: z.string().refine(isDigest) });

async function doomBytesWithoutRow({ db, content }: BlobSweepOptions, { signal }: Asked): Promise<void> {
  let some: Digest[] = [];
  const flush = async () => {
    const at = await db.now();
    for (const digest of await withoutRow(db, some)) {
      const size = await content.blobs.size(digest);
      if (size !== undefined) await db.write(undefined, doomWithoutRowStep(digest, size, at));
    }
    some = [];
  };
  for await (const digest of content.blobs.list()) {
    if (signal?.aborted) return;
    if (some.push(digest) === stride) await flush();
  }
  await flush();
}

async function withoutRow(db: RegistryDatabase, digests: readonly Digest[]): Promise<readonly Digest[]> {
  const rows = await db.all(
    digestRow,
    `select value as digest from ${db.words.listed('?1')} as given
       where not exists (select 1 from blobs where digest = value)`,
    JSON.stringify(digests),
  );
  return rows.map(({ digest }) => digest);
}

const doomedRow = digestRow.extend({ doomedAt: z.number() });

/** @throws the first error, after all others were tried */
async function removeDoomed(
  { db, content, limits }: BlobSweepOptions,
  asked: Asked,
): Promise<Omit<Swept, 'manifests'>> {
  const removed = { blobs: 0, bytes: 0 };
  const failures: unknown[] = [];
  const remove = async (digest: Digest) => {
    try {
      return await content.remove(digest, before);
    } catch (error) {
      failures.push(error);
      if (failures.length === mostFailures) throw error;
      return undefined;
    }
  };
  const before = (await db.now()) - limits.doomedMs;
  await walk(asked, async (last: z.infer<typeof doomedRow> | undefined) => {
    const rows = await db.all(
      doomedRow,
      `select digest, doomed_at as "doomedAt" from blobs where doomed_at <= ?1 and (doomed_at, digest) > (?2, ?3)
         order by doomed_at, digest limit ${stride}`,
      ...[before, last?.doomedAt ?? 0, last?.digest ?? ''],
    );
    for (const { digest } of rows) {
      if (asked.signal?.aborted) break;
      const bytes = await remove(digest);
      if (bytes === undefined) continue;
      removed.blobs++;
      removed.bytes += bytes;
    }
    return rows.at(-1);
  });
  if (failures.length > 0) throw failures[0];
  return removed;
}
