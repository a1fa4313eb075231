/** Updates the advisories: downloads what has changed at its source, and imports it in one step. */
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault, type Log, tryFileLock } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import type { AdvisoryState } from '../../types.ts';
import { importOnThread } from '../import.ts';
import { InputFailure } from '../importing/input-failure.ts';
import { type OldSource, readOld } from '../importing/old.ts';
import type { AdvisoryInput, AdvisoryOrigin, AdvisoryProgress, ImportResult } from '../types.ts';
import { type Checksums, readChecksums } from './checksums.ts';
import { download, forget, type KnownFile } from './download.ts';
import { folderFetch } from './fetching.ts';
import { atMirror, type Mirror, mirrorPath } from './mirror.ts';
import type { AdvisorySource } from './sources.ts';

interface UpdateOptions {
  /** Path of the advisory file. Downloads lie beside it until they are imported. */
  readonly path: string;
  readonly sources: readonly AdvisorySource[];
  /** Replaces the URLs of all sources. */
  readonly mirror?: Mirror | undefined;
  /** Accepts sources with far fewer records than before or than required. */
  readonly acceptsFewer?: boolean | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Pause before the second attempt, and longer before each further one. For tests. */
  readonly pauseMs?: number | undefined;
  /** The longest time without new bytes from a server. For tests. */
  readonly stallMs?: number | undefined;
  readonly progress?: ((progress: AdvisoryProgress) => void) | undefined;
  readonly log?: Log | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface UpdatedSource {
  readonly source: string;
  readonly outcome: 'updated' | 'unchanged' | 'failed';
  /** The reason of the failure. The old records of the source stay. */
  readonly reason?: string | undefined;
  readonly records: number;
  readonly bad: number;
}

export interface UpdateResult {
  readonly state: AdvisoryState;
  /** Whether the content changed. */
  readonly changed: boolean;
  readonly sources: readonly UpdatedSource[];
}

/** Concurrent downloads. */
const downloaders = 4;
/** Sources with fewer records may lose some of them. */
const guardedRecords = 100;
/** A source with a smaller share of its former records was cut short. */
const leastShare = 0.8;
const defaultPauseMs = 500;
const defaultStallMs = 60_000;

/**
 * Updates all sources that work. A source keeps its old records if it is unreachable, damaged, or has lost many records. A
 * second update of the same file fails as busy.
 * @throws Fault ADVISORIES_UNREACHABLE when no source works, naming each; ADVISORIES_UNTRUSTED when the mirror as a whole
 *   is untrusted; ADVISORIES_BUSY, ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED, ADVISORIES_FAILED
 */
export async function updateAdvisories(options: UpdateOptions): Promise<UpdateResult> {
  const folder = `${options.path}.downloads`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  using lock = tryFileLock(`${options.path}.update.lock`);
  if (lock === undefined) {
    throw scannerFault('ADVISORIES_BUSY', `another process is updating ${options.path}`, {
      hint: 'Wait for it to end, then try again.',
    });
  }
  const old = readOld(options.path)?.sources ?? new Map<string, OldSource>();
  const fetched = await fetchAll(await planOf(options, folder), old);
  const { result, failed } = await importWhatWorks(options, fetched);
  for (const each of fetched) if (each.input) await forget(each.input.path);
  // Fails, as intended, while partial downloads remain.
  await rmdir(folder).catch(() => {});
  const sources = fetched.map((each) => outcomeOf(each, result, failed, old));
  return { state: result.state, changed: result.changed, sources };
}

/** The result for one source: a file to import, nothing new, or a failure. */
interface Fetched {
  readonly source: AdvisorySource;
  readonly input?: AdvisoryInput | undefined;
  readonly failure?: Error | undefined;
}

/** Shared by all downloads. */
interface Plan {
  readonly options: UpdateOptions;
  readonly folder: string;
  readonly fetching: {
    readonly fetch: typeof fetch;
    readonly pauseMs: number;
    readonly stallMs: number;
    readonly signal: AbortSignal | undefined;
  };
  readonly checksums: Checksums | undefined;
  /** Hosts that failed all attempts. */
  readonly gone: Set<string>;
}

async function planOf(options: UpdateOptions, folder: string): Promise<Plan> {
  const { mirror, pauseMs = defaultPauseMs, stallMs = defaultStallMs, signal } = options;
  const far = options.fetch ?? globalThis.fetch;
  const fetching = { fetch: mirror?.url.protocol === 'file:' ? folderFetch : far, pauseMs, stallMs, signal };
  const checksums = mirror && (await readChecksums(mirror, folder, fetching));
  return { options, folder, fetching, checksums, gone: new Set() };
}

async function fetchAll(plan: Plan, old: ReadonlyMap<string, OldSource>): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  const waiting = plan.options.sources.entries();
  const work = async () => {
    for (const [index, source] of waiting) {
      fetched[index] = await fetchOne(plan, source, old.get(source.name));
    }
  };
  await Promise.all(Array.from({ length: downloaders }, work));
  return fetched;
}

async function fetchOne(plan: Plan, source: AdvisorySource, before: OldSource | undefined): Promise<Fetched> {
  const { fetching, folder, gone, options } = plan;
  const { mirror, progress, log } = options;
  const file = join(folder, encodeURIComponent(source.name));
  try {
    const origin = await download({
      ...fetching,
      source: mirror === undefined ? source : atMirror(source, mirror),
      file,
      known: knownFile(before),
      expected: expectedOf(plan, source),
      isSigned: mirror?.verify !== undefined,
      gone,
      progress: (bytes, totalBytes) =>
        progress?.({ stage: 'download', source: source.name, bytes, totalBytes, records: 0 }),
    });
    const leastRecords = options.acceptsFewer ? 0 : leastOf(source, before);
    return { source, input: origin && { ...inputOf(source, origin), path: file, leastRecords } };
  } catch (error) {
    if (!isFault(error)) throw error;
    log?.warn({ source: source.name, reason: error.message }, 'a source of advisories failed');
    return { source, failure: error };
  }
}

/** @throws Fault ADVISORIES_UNTRUSTED when there is a list without the source */
function expectedOf({ checksums }: Plan, source: AdvisorySource): string | undefined {
  if (checksums === undefined) return undefined;
  const path = mirrorPath(source);
  const sum = checksums.get(path);
  if (sum) return sum;
  const what = sum === undefined ? 'does not list' : 'has two checksums for';
  throw scannerFault('ADVISORIES_UNTRUSTED', `SHA256SUMS of the mirror ${what} ${path} (${source.name})`, {
    hint: 'Have the mirror fetch it and write SHA256SUMS again, or name only the sources that it has.',
  });
}

function inputOf(
  { name, form, licence }: AdvisorySource,
  origin: AdvisoryOrigin,
): Omit<AdvisoryInput, 'path'> {
  const time = Date.parse(origin.lastModified ?? '');
  const asOf = Number.isNaN(time) ? undefined : new Date(time).toISOString();
  return { source: name, form, licence, origin, asOf };
}

function leastOf({ leastRecords = 0, isRolling }: AdvisorySource, before: OldSource | undefined): number {
  const records = before?.records ?? 0;
  const share = isRolling || records < guardedRecords ? 0 : Math.ceil(records * leastShare);
  return Math.max(leastRecords, share);
}

function knownFile(before: OldSource | undefined): KnownFile | undefined {
  if (before?.url === undefined) return undefined;
  const { url, etag, lastModified, digest } = before;
  return { url, etag, lastModified, digest };
}

/** Imports, and tries again without each source whose file turns out to be damaged. */
async function importWhatWorks(
  { path, progress, log, signal }: UpdateOptions,
  fetched: readonly Fetched[],
): Promise<{ readonly result: ImportResult; readonly failed: ReadonlyMap<string, Error> }> {
  const failed = new Map<string, Error>(
    fetched.flatMap(({ source, failure }) => (failure === undefined ? [] : [[source.name, failure]])),
  );
  for (;;) {
    const alive = fetched.filter(({ source }) => !failed.has(source.name));
    if (alive.length === 0) throw allFailed(failed);
    try {
      const inputs = alive.flatMap(({ input }) => input ?? []);
      const unchanged = alive.flatMap(({ source, input }) => (input === undefined ? [source.name] : []));
      const result = await importOnThread({ path, inputs, unchanged, progress, log, signal });
      return { result, failed };
    } catch (error) {
      if (!(error instanceof InputFailure)) throw error;
      log?.warn({ source: error.source, reason: error.message }, 'a source of advisories failed');
      failed.set(error.source, error.fault);
    }
  }
}

function allFailed(failed: ReadonlyMap<string, Error>): Error {
  const [first, ...others] = failed.values();
  if (first === undefined) return scannerFault('ADVISORIES_UNREACHABLE', 'there are no sources');
  if (others.length === 0) return first;
  const reasons = [...failed.values()].map(({ message }) => `  ${message}`).join('\n');
  return scannerFault(
    'ADVISORIES_UNREACHABLE',
    `could not fetch any of ${failed.size} sources:\n${reasons}`,
    {
      hint: 'Check the network, or download them on another machine and run ward advisories import FILE.',
    },
  );
}

function outcomeOf(
  { source: { name } }: Fetched,
  { sources }: ImportResult,
  failed: ReadonlyMap<string, Error>,
  old: ReadonlyMap<string, OldSource>,
): UpdatedSource {
  const { records, bad } = old.get(name) ?? { records: 0, bad: 0 };
  const failure = failed.get(name);
  if (failure !== undefined) {
    return { source: name, outcome: 'failed', reason: failure.message, records, bad };
  }
  const imported = sources.find(({ source }) => source === name);
  if (imported === undefined) return { source: name, outcome: 'unchanged', records, bad };
  return {
    source: name,
    outcome: imported.unchanged ? 'unchanged' : 'updated',
    records: imported.records,
    bad: imported.bad,
  };
}
