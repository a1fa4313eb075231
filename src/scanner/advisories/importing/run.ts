/**
 * Runs one import: writes a new file beside the old one, then replaces the old one in one step. If the import fails or its
 * process is killed, the old file stays.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Fault, isFault, messageOf, tryFileLock } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import { compareDigest, noteDigest } from '../digest.ts';
import { readState } from '../reader.ts';
import { openReadOnly } from '../schema.ts';
import type { AdvisoryInput, ImportedSource, ImportResult } from '../types.ts';
import { damaged } from './input.ts';
import { InputFailure } from './input-failure.ts';
import { newFileFor, putInPlace, removeLeftovers } from './new-file.ts';
import { corrupt, type OldFile, type OldSource, readOld } from './old.ts';
import { digestOf, importInput, lookAt, type ProgressCallback } from './read-input.ts';
import { type AdvisoryWriter, createWriter } from './writer.ts';

export interface ImportJob {
  readonly path: string;
  readonly inputs: readonly AdvisoryInput[];
  readonly forget: readonly string[];
  readonly unchanged: readonly string[];
}

/**
 * @throws InputFailure with Fault ADVISORY_FILE_INVALID, ADVISORY_FILE_TOO_LARGE
 * @throws Fault ADVISORIES_BUSY, ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED, ADVISORIES_FAILED
 */
export async function runImport(job: ImportJob, report: ProgressCallback): Promise<ImportResult> {
  mkdirSync(dirname(job.path), { recursive: true });
  using lock = tryFileLock(`${job.path}.lock`);
  if (lock === undefined) {
    throw scannerFault('ADVISORIES_BUSY', `another process is importing into ${job.path}`, {
      hint: 'Wait for it to end, then try again.',
    });
  }
  removeLeftovers(job.path);
  const temporary = newFileFor(job.path);
  try {
    return await build(job, temporary, report);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (isFault(error) || error instanceof InputFailure) throw error;
    throw scannerFault('ADVISORIES_FAILED', `${job.path} could not be written: ${messageOf(error)}`, {
      hint: 'Check the disk and the owner of its folder. The old advisories stay.',
      cause: error,
    });
  }
}

async function build(job: ImportJob, temporary: string, report: ProgressCallback): Promise<ImportResult> {
  const old = readOld(job.path);
  // Otherwise the new file would carry damaged rows under a valid digest.
  if (old !== undefined && (await compareDigest(job.path)) === 'differs')
    throw corrupt(job.path, 'its content is not what was imported');
  const unknown = await unknownAmong(job.inputs);
  const inputs = job.inputs.filter(({ path }) => !unknown.includes(path));
  const digests = await digestsOf(inputs);
  const writer = createWriter(temporary, { now: new Date().toISOString(), after: old?.builtAt });
  try {
    const { sources, empty } = await fill(writer, { ...job, inputs }, { old, digests }, report);
    if (sources.length === 0 && empty.length > 0) throw nothingKnown([...unknown, ...empty]);
    report({ stage: 'finish', source: '', bytes: 0, records: 0 });
    writer.finish();
    const state = readStateOf(temporary);
    await noteDigest(temporary, job.path);
    putInPlace(temporary, job.path);
    return {
      state,
      changed: state.revision !== old?.revision,
      sources,
      unknown: [...unknown, ...empty].toSorted(),
    };
  } finally {
    writer.abandon();
  }
}

interface Known {
  readonly old: OldFile | undefined;
  /** Digests of the input files, by source. */
  readonly digests: ReadonlyMap<string, string>;
}

async function fill(
  writer: AdvisoryWriter,
  { path, inputs, forget, unchanged }: ImportJob,
  known: Known,
  report: ProgressCallback,
): Promise<{ readonly sources: readonly ImportedSource[]; readonly empty: readonly string[] }> {
  const before = new Map(inputs.map((input) => [input, sameBefore(input, known)]));
  if (known.old !== undefined) {
    const fresh = inputs.filter((input) => before.get(input) === undefined);
    writer.keepAllBut(path, [...fresh.map(({ source }) => source), ...forget]);
  }
  const sources: ImportedSource[] = [];
  const empty: string[] = [];
  for (const input of inputs) {
    const same = before.get(input);
    if (same === undefined) {
      const digest = known.digests.get(input.source) ?? '';
      // A source that had records before and has none now is damaged. The new file has already dropped its old records.
      const mayBeUnknown = input.mayBeUnknown === true && known.old?.sources.has(input.source) !== true;
      const source = await blamed(input, importInput(writer, input, { digest, mayBeUnknown }, report));
      if (source === undefined) empty.push(input.path);
      else sources.push(source);
    } else {
      if (input.origin !== undefined) writer.noteOrigin(input.source, input.origin);
      sources.push(asBefore(same));
    }
  }
  writer.markChecked([...inputs.map(({ source }) => source), ...unchanged]);
  return { sources, empty };
}

/** Paths of folders' files whose form is unknown. @throws Fault ADVISORY_FILE_INVALID when there are no others */
async function unknownAmong(inputs: readonly AdvisoryInput[]): Promise<readonly string[]> {
  const unknown: string[] = [];
  for (const input of inputs) {
    if (input.mayBeUnknown !== true) continue;
    const { form } = await blamed(input, lookAt(input.path, input.form));
    if (form === undefined) unknown.push(input.path);
  }
  if (unknown.length === 0 || unknown.length < inputs.length) return unknown;
  throw nothingKnown(unknown);
}

function nothingKnown(unknown: readonly string[]): Fault {
  const named = unknown.slice(0, mostNamed).join(', ');
  const more = unknown.length > mostNamed ? ` and ${unknown.length - mostNamed} more` : '';
  return scannerFault('ADVISORY_FILE_INVALID', `no file has a known form: ${named}${more}`, {
    hint: 'docs/advisories.md lists the forms. The old advisories stay.',
  });
}

const mostNamed = 5;

/** The source in the old file that was imported from the same bytes. */
function sameBefore({ source, form }: AdvisoryInput, { old, digests }: Known): OldSource | undefined {
  const before = old?.sources.get(source);
  const isSame = before?.digest === digests.get(source) && (form === undefined || form === before?.form);
  return isSame ? before : undefined;
}

async function digestsOf(inputs: readonly AdvisoryInput[]): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const input of inputs) {
    const isTaken = digests.has(input.source);
    digests.set(input.source, await blamed(input, isTaken ? refuseTwice(input) : digestOf(input.path)));
  }
  return digests;
}

/** Adds the failing source to a fault. */
async function blamed<Answer>({ source }: AdvisoryInput, work: Promise<Answer>): Promise<Answer> {
  try {
    return await work;
  } catch (error) {
    throw isFault(error) ? new InputFailure(source, error) : error;
  }
}

function asBefore({ name, form, records, bad, skipped }: OldSource): ImportedSource {
  return { source: name, form, unchanged: true, records, bad, badRecords: [], skipped };
}

async function refuseTwice({ path, source }: AdvisoryInput): Promise<never> {
  throw damaged(path, `another file has the same source name, ${source}`);
}

function readStateOf(path: string): ImportResult['state'] {
  const db = openReadOnly(path);
  try {
    return readState(db);
  } finally {
    db.close();
  }
}
