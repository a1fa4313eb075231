/**
 * The life of a blob's row. The database and the bytes have no common transaction, and several servers can share both.
 * So the row says whether the bytes may go:
 *
 *   push ──▶ live ── nothing has it ──▶ doomed ── later ──▶ marked ──▶ bytes removed, row deleted
 *             ▲                            │                  │
 *             └─────── pushed again ───────┴─ no clear answer ┘
 *                                             for `lateMs`
 *
 * - A push makes the row live, stores the bytes, and then names the blob in a transaction that requires a live row. If
 *   a sweep has doomed the row meanwhile, the push begins again.
 * - A sweep dooms a blob only if no repository has it and no upload has it as a chunk, and later removes only what is
 *   still doomed. While it removes the bytes, the row can't become live.
 * - A sweep marks the row before it removes the bytes. A removal without a clear answer stays marked, because the store
 *   can still carry it out, for up to `BlobStore.lateMs`. Until then no push makes the row live, and no sweep begins again.
 *
 * So the rows of what a repository has are live, and the bytes exist, even if a process ends at any moment.
 */
import { z } from 'zod';
import type { Digest } from '../blobs/index.ts';
import type { BatchStep } from '../store/index.ts';
import { step } from './database.ts';

const isHeld = `(exists (select 1 from holdings where holdings.digest = blobs.digest)
  or exists (select 1 from upload_parts where upload_parts.digest = blobs.digest))`;

/** Condition of a blob that a sweep dooms. `?2`: no push that touched it before this time can still name it. */
export const isUnheld = `doomed_at is null and touched_at < ?2 and not ${isHeld}`;

/**
 * A removal that began after `?4` can still be carried out. A row can be live and have a mark only if a server that
 * does not know of marks has made it live.
 */
const isOver = '(blobs.removal_at is null or blobs.removal_at <= ?4)';

/** When a removal must have begun to be over. Where none is late, a clock that was set back holds up nobody either. */
export function latestOver(at: number, lateMs: number): number {
  return lateMs === 0 ? Number.MAX_SAFE_INTEGER : at - lateMs;
}

/** Parameters: digest, size, time, and `latestOver`. */
export const reviveSql = `
  insert into blobs (digest, size, touched_at) values (?1, ?2, ?3)
    on conflict (digest) do update
      set size = excluded.size, touched_at = excluded.touched_at, doomed_at = null, removal_at = null
      where blobs.doomed_at is null or ${isOver}`;

/** Parameters: digest, when the blob must have been doomed, time, and `latestOver`. */
export const markSql = `
  update blobs set removal_at = ?3 where digest = ?1 and doomed_at <= ?2 and ${isOver} and not ${isHeld}`;

/** Parameters: digest, when the blob must have been doomed, and when its removal began. */
export const findMarkedSql = `
  select size from blobs where digest = ?1 and doomed_at <= ?2 and removal_at = ?3 and not ${isHeld}`;
export const markedRow = z.object({ size: z.number() });
export const deleteMarkedSql = 'delete from blobs where digest = ?1 and doomed_at <= ?2 and removal_at = ?3';

/** The first step locks the row, so the second sees what pushes have committed until then. */
export function doomSteps(digest: Digest, touchedBefore: number, at: number): readonly BatchStep[] {
  return [
    step('update blobs set touched_at = touched_at where digest = ?1', digest),
    step(`update blobs set doomed_at = ?3 where digest = ?1 and ${isUnheld}`, digest, touchedBefore, at),
  ];
}

/** Dooms a blob whose bytes exist without a row. */
export function doomWithoutRowStep(digest: Digest, size: number, at: number): BatchStep {
  return step(
    `insert into blobs (digest, size, touched_at, doomed_at) values (?1, ?2, ?3, ?3) on conflict (digest) do nothing`,
    ...[digest, size, at],
  );
}
