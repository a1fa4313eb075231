/**
 * Compares the blobs in a bucket with the tables that name them, by their names alone: the bytes stay where they are, and
 * a read verifies them anyway. Both sides are walked in the order of their digests, so the size of a bucket does not
 * matter for the memory that this takes.
 */
import type { BlobStore, Digest } from '../../blobs/index.ts';
import type { GateStore } from '../../gate/index.ts';
import { readSharedRow } from '../advisories/shared-row.ts';
import type { BlobArea, Findings, FsckArea } from './findings.ts';

/** What tables say of one kind of blobs. */
export interface NamedInBucket {
  readonly area: BlobArea;
  /** Advice about a missing one. */
  readonly remedy: string;
  /** Digests whose bytes must be there, in their order. */
  named(): AsyncIterable<Digest> | Iterable<Digest>;
  /** Some of those who name it now. Empty: nobody. */
  namesOf(digest: Digest): Promise<readonly string[]>;
  /** Whether it stays, though its bytes need not be there: earlier code, or code of an accepted call. */
  isKept(digest: Digest): Promise<boolean>;
}

type Blobs = Pick<BlobStore, 'list' | 'has'>;

interface BucketCheck {
  readonly blobs: Blobs;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

/** Blobs between two steps. */
const strideLength = 1000;
/** Missing blobs that are told one by one. When a bucket is the wrong one, all are missing. */
const mostTold = 100;
const mostShown = 5;

export async function checkBucket(
  tables: NamedInBucket,
  { blobs, signal, onStep }: BucketCheck,
  findings: Findings,
): Promise<void> {
  const { area, remedy } = tables;
  const lacking = { told: 0, untold: 0 };
  const unused: { count: number; some: Digest[] } = { count: 0, some: [] };
  let count = 0;
  for await (const { digest, isNamed, isThere } of sideBySide(tables.named(), blobs.list())) {
    signal.throwIfAborted();
    if (isThere && count++ % strideLength === 0) onStep(`comparing ${area} with the bucket ${count}`);
    if (!isNamed) {
      if (await tables.isKept(digest)) continue;
      unused.count++;
      if (unused.some.length < mostShown) unused.some.push(digest);
    } else if (!isThere) {
      if (lacking.told === mostTold) lacking.untold++;
      else if (await tellMissing(tables, { blobs, digest }, findings)) lacking.told++;
    }
  }
  findings.checked[area] += count;
  if (lacking.untold > 0)
    findings.tell(
      area,
      `${lacking.untold} more blobs`,
      'are not in the bucket',
      `check the setting blobs; ${remedy}`,
    );
  noteUnused(area, unused, findings);
}

/** Asks both sides again: a server names a blob after its bytes are there, and removes them after the last name. */
async function tellMissing(
  { area, remedy, namesOf }: NamedInBucket,
  { blobs, digest }: { readonly blobs: Blobs; readonly digest: Digest },
  findings: Findings,
): Promise<boolean> {
  const names = await namesOf(digest);
  if (names.length === 0 || (await blobs.has(digest))) return false;
  findings.tell(area, `${digest} (${names.join(', ')})`, 'is missing in the bucket', remedy);
  return true;
}

interface Side {
  readonly digest: Digest;
  readonly isNamed: boolean;
  readonly isThere: boolean;
}

/** Each digest of two lists that are in order. */
async function* sideBySide(
  named: AsyncIterable<Digest> | Iterable<Digest>,
  present: AsyncIterable<Digest>,
): AsyncGenerator<Side> {
  const names = (async function* () {
    yield* named;
  })();
  let name = await names.next();
  for await (const digest of present) {
    for (; name.done !== true && name.value < digest; name = await names.next())
      yield { digest: name.value, isNamed: true, isThere: false };
    const isNamed = name.done !== true && name.value === digest;
    if (isNamed) name = await names.next();
    yield { digest, isNamed, isThere: true };
  }
  for (; name.done !== true; name = await names.next())
    yield { digest: name.value, isNamed: true, isThere: false };
}

/**
 * Looks for the one blob of advisories that all nodes go by.
 * @param blobs undefined: they are in no bucket, and no node shares any
 */
export async function checkSharedAdvisories(
  gate: Pick<GateStore, 'sharedFile'>,
  blobs: Blobs | undefined,
  findings: Findings,
): Promise<void> {
  const named = async () => (await readSharedRow(gate)).advisories?.blob;
  const blob = await named();
  if (blob === undefined || blobs === undefined || (await blobs.has(blob)) || (await named()) !== blob)
    return;
  const problem = 'is missing in the bucket, so no further node gets the advisories';
  findings.tell('advisories', blob, problem, 'run ward advisories update on a node of the cluster');
}

function noteUnused(
  area: FsckArea,
  { count, some }: { readonly count: number; readonly some: readonly Digest[] },
  findings: Findings,
): void {
  if (count === 0) return;
  const more = count > some.length ? ', …' : '';
  findings.note(
    `${area}: ${count} blobs in the bucket are unused (${some.join(', ')}${more}); a running Ward removes them after an hour`,
  );
}
