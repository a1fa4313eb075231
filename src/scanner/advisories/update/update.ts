/** Brings the advisories up to date: what has changed at its source is downloaded and imported, all in one step. */
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault, type Log } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import type { AdvisoryState } from '../../types.ts';
import { InputFailure } from '../build/input-failure.ts';
import { type OldSource, readOld } from '../build/old.ts';
import { importOnThread } from '../import.ts';
import type { AdvisoryInput, AdvisoryOrigin, AdvisoryProgress, ImportResult } from '../types.ts';
import { download, forget } from './download.ts';
import type { AdvisorySource } from './sources.ts';

export interface UpdateOptions {
  /** Of the file of advisories. Downloads lie beside it until they are imported. */
  readonly path: string;
  readonly sources: readonly AdvisorySource[];
  readonly fetch?: typeof fetch | undefined;
  /** Before the second attempt, and longer before each further one. For tests. */
  readonly pauseMs?: number | undefined;
  readonly progress?: ((progress: AdvisoryProgress) => void) | undefined;
  readonly log?: Log | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface UpdatedSource {
  readonly source: string;
  readonly outcome: 'updated' | 'unchanged' | 'failed';
  /** Why it failed; what it said before stays. */
  readonly reason?: string | undefined;
  readonly records: number;
  readonly bad: number;
}

export interface UpdateResult {
  readonly state: AdvisoryState;
  /** Whether they say something else than before. */
  readonly changed: boolean;
  readonly sources: readonly UpdatedSource[];
}

/** Downloads at once. */
const downloaders = 4;
/** Sources with fewer records may well lose half of them. */
const guardedRecords = 100;

/**
 * A source that can't be had, or whose file is damaged or has lost half of its records, keeps what it said before; the rest
 * is imported all the same.
 * @throws Fault ADVISORIES_UNREACHABLE when none could be had, naming each, ADVISORIES_BUSY, ADVISORIES_CORRUPT,
 *   ADVISORIES_UNSUPPORTED, ADVISORIES_FAILED
 */
export async function updateAdvisories(options: UpdateOptions): Promise<UpdateResult> {
  const old = readOld(options.path)?.sources ?? new Map<string, OldSource>();
  const folder = `${options.path}.downloads`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fetched = await fetchAll(options, folder, old);
  const { result, failed } = await importWhatWorks(options, fetched);
  for (const each of fetched) if (each.input) await forget(each.input.path);
  // Not empty while there are beginnings to go on with.
  await rmdir(folder).catch(() => {});
  const sources = fetched.map((each) => outcomeOf(each, result, failed, old));
  return { state: result.state, changed: result.changed, sources };
}

/** What became of a source's download: a file to import, nothing new, or a failure. */
interface Fetched {
  readonly source: AdvisorySource;
  readonly input?: AdvisoryInput | undefined;
  readonly failure?: Error | undefined;
}

async function fetchAll(
  options: UpdateOptions,
  folder: string,
  old: ReadonlyMap<string, OldSource>,
): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  const gone = new Set<string>();
  const waiting = options.sources.entries();
  const work = async () => {
    for (const [index, source] of waiting) {
      fetched[index] = await fetchOne(options, { folder, gone }, source, old.get(source.name));
    }
  };
  await Promise.all(Array.from({ length: downloaders }, work));
  return fetched;
}

async function fetchOne(
  { fetch = globalThis.fetch, pauseMs = 500, progress, signal, log }: UpdateOptions,
  { folder, gone }: { readonly folder: string; readonly gone: Set<string> },
  source: AdvisorySource,
  before: OldSource | undefined,
): Promise<Fetched> {
  const file = join(folder, encodeURIComponent(source.name));
  try {
    const origin = await download({
      source,
      file,
      known: originOf(before),
      gone,
      fetch,
      pauseMs,
      signal,
      progress: (bytes, totalBytes) =>
        progress?.({ stage: 'download', source: source.name, bytes, totalBytes, records: 0 }),
    });
    return { source, input: origin && toInput(source, file, origin, before) };
  } catch (error) {
    if (!isFault(error)) throw error;
    log?.warn({ source: source.name, reason: error.message }, 'a source of advisories failed');
    return { source, failure: error };
  }
}

function toInput(
  { name, form, licence }: AdvisorySource,
  path: string,
  origin: AdvisoryOrigin,
  before: OldSource | undefined,
): AdvisoryInput {
  const time = Date.parse(origin.lastModified ?? '');
  const records = before?.records ?? 0;
  return {
    path,
    source: name,
    form,
    licence,
    origin,
    asOf: Number.isNaN(time) ? undefined : new Date(time).toISOString(),
    leastRecords: records < guardedRecords ? 0 : Math.floor(records / 2),
  };
}

function originOf(before: OldSource | undefined): AdvisoryOrigin | undefined {
  return before?.url === undefined
    ? undefined
    : { url: before.url, etag: before.etag, lastModified: before.lastModified };
}

/** Leaves out, one after the other, those whose files turn out to be damaged. */
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
      hint: 'Look at the network; or download them elsewhere, and take them in with ward advisories import FILE.',
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
