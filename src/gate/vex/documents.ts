/**
 * The operator's VEX documents, in one of two forms: `.json` files in a folder, or the one file that servers share in their
 * database, which is a JSON object of names and texts. Both have the same revision if their documents have the same bytes.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { digestOf, readRegularFile } from '../../blobs/index.ts';
import { errnoOf, isFault, messageOf } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { parseJsonDocument } from '../json-document.ts';
import type { OperatorVex, VexStatement } from './statement.ts';
import { parseVex, refuseVex, vexLimits } from './vex.ts';

export interface VexDocument {
  /** `a.json`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const mostDocuments = 1000;
const mostSharedBytes = 8 * 1024 * 1024;
const ending = '.json';

export const noVex: OperatorVex = { revision: '', statements: [], documents: [] };

/** The names of the documents in a folder, which need not exist. @throws Fault VEX_INVALID */
export async function vexNamesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(ending)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw naming(folder, error);
  }
}

/** @throws Fault VEX_INVALID that names the file */
export async function readVexFolder(folder: string): Promise<OperatorVex> {
  const names = await vexNamesIn(folder);
  if (names.length > mostDocuments) throw tooMany(folder);
  const read: ReadDocument[] = [];
  for (const name of names) {
    const path = join(folder, name);
    read.push(parsed({ name, bytes: await readDocument(path, vexLimits.maxBytes) }, path));
  }
  return together(read);
}

/**
 * Reads documents that are to replace others.
 * @param paths of files, or of one folder
 * @throws Fault VEX_INVALID that names the file
 */
export async function readVexFiles(paths: readonly string[]): Promise<readonly VexDocument[]> {
  const [folder = ''] = paths;
  const isFolder = paths.length === 1 && (await stat(folder).catch(() => undefined))?.isDirectory() === true;
  const files = isFolder ? (await vexNamesIn(folder)).map((name) => join(folder, name)) : paths;
  if (files.length === 0) throw refuseVex(`${folder} has no file NAME${ending}`);
  if (files.length > mostDocuments) throw tooMany(isFolder ? folder : 'the command');
  const documents = new Map<string, VexDocument>();
  let total = 0;
  for (const path of files) {
    const name = basename(path);
    if (!nameForm.test(name)) throw refuseVex(`${path} is not named NAME${ending}`);
    if (documents.has(name)) throw refuseVex(`two files are named ${name}`);
    const bytes = await readDocument(path, mostSharedBytes);
    total += bytes.length;
    if (total > mostSharedBytes) throw naming(path, tooLarge());
    parsed({ name, bytes }, path);
    documents.set(name, { name, bytes });
  }
  return [...documents.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** @throws Fault VEX_INVALID that names the document */
export function operatorVex(documents: readonly VexDocument[]): OperatorVex {
  return together(documents.map((document) => parsed(document, document.name)));
}

/** The file that servers share. @throws Fault VEX_INVALID */
export function packVex(documents: readonly VexDocument[]): Uint8Array {
  const texts = documents.map(({ name, bytes }) => [name, Buffer.from(bytes).toString('utf8')]);
  const packed = Buffer.from(JSON.stringify(Object.fromEntries(texts)));
  if (packed.length > mostSharedBytes) throw tooLarge();
  return packed;
}

/** @throws Fault VEX_INVALID */
export function unpackVex(packed: Uint8Array): readonly VexDocument[] {
  const limits = { maxBytes: mostSharedBytes, maxDepth: 1 };
  const texts = parseJsonDocument(sharedSchema, packed, limits, (what) =>
    refuseVex(`in the database: ${what}`),
  );
  return Object.entries(texts).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
}

/** No control characters: names are shown in lists, and are names of files again. */
const nameForm = /^[^/\\\p{Cc}\ufffd]{1,250}\.json$/u;
const sharedSchema = z
  .record(z.string().regex(nameForm), z.string())
  .refine((texts) => Object.keys(texts).length <= mostDocuments, `more than ${mostDocuments} documents`);

interface ReadDocument {
  readonly name: string;
  readonly digest: string;
  readonly statements: readonly VexStatement[];
}

function parsed({ name, bytes }: VexDocument, path: string): ReadDocument {
  try {
    return { name, digest: digestOf(bytes), statements: parseVex(bytes) };
  } catch (error) {
    throw naming(path, error);
  }
}

function together(read: readonly ReadDocument[]): OperatorVex {
  if (read.length === 0) return noVex;
  return {
    revision: digestOf(read.map(({ digest }) => digest).join('\n')),
    statements: read.flatMap(({ name, statements }) =>
      statements.map((statement) => ({ ...statement, document: name })),
    ),
    documents: read.map(({ name, statements }) => ({ name, statements: statements.length })),
  };
}

async function readDocument(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const bytes = await readRegularFile(path, maxBytes);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    throw naming(path, error);
  }
  throw refuseVex(`${path} does not exist`);
}

function naming(path: string, error: unknown) {
  const cause = isFault(error) ? undefined : error;
  return gateFault('VEX_INVALID', `${path}: ${messageOf(error)}`, { cause });
}

function tooLarge() {
  return refuseVex(`with the others it has more than ${mostSharedBytes} bytes`);
}

function tooMany(where: string) {
  return refuseVex(`${where} has more than ${mostDocuments} documents`);
}
