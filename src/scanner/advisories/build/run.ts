/**
 * One import: a new file beside the old one, which takes its place in one step when it is whole. Whatever fails, and
 * wherever the process is ended, the old one stays.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isFault, messageOf, tryFileLock } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import { detectForm, peekBytes, shapeOf } from '../forms/detect.ts';
import { Flaw, type Form, type FormContext } from '../forms/form.ts';
import { readers } from '../forms/readers.ts';
import { readState } from '../reader.ts';
import { openReadOnly } from '../schema.ts';
import type { AdvisoryInput, AdvisoryProgress, ImportedSource, ImportResult } from '../types.ts';
import { damaged, firstBytes, unpackedBytes } from './input.ts';
import { InputFailure } from './input-failure.ts';
import { itemsOf } from './items.ts';
import { type OldSource, readOld } from './old.ts';
import { type AdvisoryWriter, createWriter } from './writer.ts';

export interface ImportJob {
  readonly path: string;
  readonly inputs: readonly AdvisoryInput[];
  readonly forget: readonly string[];
  readonly unchanged: readonly string[];
}

type Report = (progress: AdvisoryProgress) => void;

/**
 * @throws InputFailure with Fault ADVISORY_FILE_INVALID, ADVISORY_FILE_TOO_LARGE
 * @throws Fault ADVISORIES_BUSY, ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED, ADVISORIES_FAILED
 */
export async function runImport(job: ImportJob, report: Report): Promise<ImportResult> {
  mkdirSync(dirname(job.path), { recursive: true });
  using lock = tryFileLock(`${job.path}.lock`);
  if (lock === undefined) {
    throw scannerFault('ADVISORIES_BUSY', `another process is importing into ${job.path}`, {
      hint: 'Wait for it to end, then try again.',
    });
  }
  removeLeftovers(job.path);
  const temporary = join(dirname(job.path), `${leftoverStart(job.path)}${process.pid}`);
  try {
    return await build(job, temporary, report);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (isFault(error) || error instanceof InputFailure) throw error;
    throw scannerFault('ADVISORIES_FAILED', `${job.path} could not be written: ${messageOf(error)}`, {
      hint: 'Check the disk and the owner of its folder. The advisories that were there stay.',
      cause: error,
    });
  }
}

async function build(job: ImportJob, temporary: string, report: Report): Promise<ImportResult> {
  const now = new Date().toISOString();
  const old = readOld(job.path);
  const digests = new Map<string, string>();
  for (const input of job.inputs) digests.set(input.source, await blamed(input, digestOf(input.path)));
  const isSame = ({ source, form }: AdvisoryInput) => {
    const before = old?.sources.get(source);
    return before?.digest === digests.get(source) && (form === undefined || form === before?.form);
  };
  const fresh = job.inputs.filter((input) => !isSame(input));
  const writer = createWriter(temporary, now);
  try {
    if (old !== undefined) writer.keepAllBut(job.path, [...fresh.map(({ source }) => source), ...job.forget]);
    const sources: ImportedSource[] = [];
    for (const input of job.inputs) {
      const before = old?.sources.get(input.source);
      if (!fresh.includes(input) && before !== undefined) {
        if (input.origin !== undefined) writer.noteOrigin(input.source, input.origin);
        sources.push(asBefore(before));
      } else
        sources.push(
          await blamed(input, importInput(writer, input, digests.get(input.source) ?? '', report)),
        );
    }
    writer.markChecked([...job.inputs.map(({ source }) => source), ...job.unchanged]);
    report({ stage: 'finish', source: '', bytes: 0, records: 0 });
    writer.finish();
    const state = readStateOf(temporary);
    putInPlace(temporary, job.path);
    return { state, changed: state.revision !== old?.revision, sources };
  } finally {
    writer.abandon();
  }
}

/** Says whose fault it was. */
async function blamed<Answer>({ source }: AdvisoryInput, work: Promise<Answer>): Promise<Answer> {
  try {
    return await work;
  } catch (error) {
    throw isFault(error) ? new InputFailure(source, error) : error;
  }
}

async function importInput(
  writer: AdvisoryWriter,
  input: AdvisoryInput,
  digest: string,
  report: Report,
): Promise<ImportedSource> {
  const { path, source } = input;
  const isZip = firstBytes(path, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));
  const peek = isZip ? '' : await peekOf(path);
  const form = input.form ?? detectForm(peek, isZip);
  if (form === undefined) throw damaged(path, 'it is of no form that is known');
  writer.beginSource({ ...input.origin, name: source, form, digest, licence: input.licence });
  await readItems(writer, input, { form, peek, isZip }, report);
  const counts = writer.counts();
  if (counts.records + counts.skipped === 0) throw damaged(path, `it has no record of the form ${form}`);
  if (counts.records < (input.leastRecords ?? 0)) {
    throw damaged(path, `it has ${counts.records} records, less than half of what it had before`);
  }
  writer.endSource();
  return { source, form, unchanged: false, ...counts };
}

async function readItems(
  writer: AdvisoryWriter,
  { path, source, asOf }: AdvisoryInput,
  { form, peek, isZip }: { readonly form: Form; readonly peek: string; readonly isZip: boolean },
  report: Report,
): Promise<void> {
  const { size, mtime } = statSync(path);
  const context: FormContext = {
    sink: writer.sink,
    asOf: asOf ?? mtime.toISOString(),
    stem: basename(path).split('.')[0] ?? '',
  };
  const read = readers[form](context);
  let bytes = 0;
  const items = itemsOf(path, shapeOf(form, peek, isZip), (count) => {
    bytes = count;
  });
  for await (const item of items) {
    if ('flaw' in item) writer.sink.bad(item.place, item.flaw);
    else readItem(writer, item.place, () => read(item));
    report({ stage: 'read', source, bytes, totalBytes: size, records: writer.counts().records });
  }
}

function readItem(writer: AdvisoryWriter, place: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Flaw)) throw error;
    writer.sink.bad(place, error.message);
  }
}

function asBefore({ name, form, records, bad, skipped }: OldSource): ImportedSource {
  return { source: name, form, unchanged: true, records, bad, badRecords: [], skipped };
}

/** The beginning of what the file unpacks to. */
async function peekOf(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of unpackedBytes(path, () => {})) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= peekBytes) break;
  }
  return Buffer.concat(chunks)
    .subarray(0, peekBytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

async function digestOf(path: string): Promise<string> {
  if (!existsSync(path) || !statSync(path).isFile()) throw damaged(path, 'there is no such file');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest('hex');
}

function readStateOf(path: string): ImportResult['state'] {
  const db = openReadOnly(path);
  try {
    return readState(db);
  } finally {
    db.close();
  }
}

/** Whole and on the disk before it has the name. */
function putInPlace(temporary: string, path: string): void {
  syncPath(temporary);
  renameSync(temporary, path);
  syncPath(dirname(path));
}

function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function leftoverStart(path: string): string {
  return `.${basename(path)}.new-`;
}

/** Of an import that was killed: the lock says that none is under way. */
function removeLeftovers(path: string): void {
  const start = leftoverStart(path);
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(start)) rmSync(join(dirname(path), name), { force: true });
  }
}
