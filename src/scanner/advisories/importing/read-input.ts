/** Reads one input into the new file. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { scannerFault } from '../../faults.ts';
import { detectForm, peekBytes, shapeOf } from '../forms/detect.ts';
import { Flaw, type Form, type FormContext } from '../forms/form.ts';
import { readers } from '../forms/readers.ts';
import type { AdvisoryInput, AdvisoryProgress, ImportedSource } from '../types.ts';
import { damaged, firstBytes, unpackedBytes } from './input.ts';
import { itemsOf } from './items.ts';
import type { AdvisoryWriter } from './writer.ts';

export type ProgressCallback = (progress: AdvisoryProgress) => void;

/** Detects the form of a file by its first bytes; undefined when the form is unknown. */
export async function lookAt(path: string, said?: Form) {
  const isZip = firstBytes(path, 4).equals(Buffer.from('PK\x03\x04', 'latin1'));
  const peek = isZip ? '' : await peekOf(path);
  return { form: said ?? detectForm(peek, isZip), peek, isZip };
}

/**
 * Undefined when the file begins like one of a known form but has no record of it, and `mayBeUnknown` allows that. Then it
 * writes nothing.
 * @throws Fault ADVISORY_FILE_INVALID, ADVISORY_FILE_TOO_LARGE
 */
export async function importInput(
  writer: AdvisoryWriter,
  input: AdvisoryInput,
  { digest, mayBeUnknown }: { readonly digest: string; readonly mayBeUnknown: boolean },
  report: ProgressCallback,
): Promise<ImportedSource | undefined> {
  const { path, source } = input;
  const { form, peek, isZip } = await lookAt(path, input.form);
  if (form === undefined) throw damaged(path, 'its form is unknown');
  writer.beginSource({ ...input.origin, name: source, form, digest, licence: input.licence });
  await readItems(writer, input, { form, peek, isZip }, report);
  const counts = writer.counts();
  if (counts.records + counts.skipped === 0) {
    if (!mayBeUnknown) throw damaged(path, `it has no record of the form ${form}`);
    writer.dropSource();
    return undefined;
  }
  if (counts.records < (input.leastRecords ?? 0)) {
    throw scannerFault(
      'ADVISORIES_TOO_FEW',
      `${source} has ${counts.records} records, but at least ${input.leastRecords} are expected: it may have been cut short; --accept-fewer accepts it anyway`,
      { hint: `If that is right: ward advisories update --source ${source} --accept-fewer` },
    );
  }
  writer.endSource();
  return { source, form, unchanged: false, ...counts };
}

async function readItems(
  writer: AdvisoryWriter,
  { path, source, asOf }: AdvisoryInput,
  { form, peek, isZip }: { readonly form: Form; readonly peek: string; readonly isZip: boolean },
  report: ProgressCallback,
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

/** SHA-256 as hex. @throws Fault ADVISORY_FILE_INVALID when there is no such file */
export async function digestOf(path: string): Promise<string> {
  if (!existsSync(path) || !statSync(path).isFile()) throw damaged(path, 'there is no such file');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest('hex');
}

/** The first bytes of the unpacked file, as text. */
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
