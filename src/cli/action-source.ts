/**
 * From a file to what the API calls `exec`. The kind is what --kind says, else what the file's name or, for a
 * zip, its top-level entries say. Refuses folders, and files whose kind can't be told.
 */
import { extname } from 'node:path';
import { fromBuffer } from 'yauzl';
import type { JsonObject } from '../lib/index.ts';
import { cliFault } from './faults.ts';
import { readBounded } from './read-source.ts';

export interface ActionSource {
  readonly file: string | undefined;
  readonly kind: string | undefined;
  readonly main: string | undefined;
  /** An image that has the action in it. */
  readonly docker: string | undefined;
}

/** The server's own limit is 48 MB of code; this one keeps a mistyped path from filling the memory. */
const maxCodeBytes = 64 * 1024 * 1024;

const kindByExtension: Readonly<Record<string, string>> = {
  '.js': 'nodejs:default',
  '.mjs': 'nodejs:default',
  '.cjs': 'nodejs:default',
  '.py': 'python:default',
};

/** Top-level entry of a zip → kind; the first that is there counts. */
const kindByEntry: readonly (readonly [entry: string, kind: string])[] = [
  ['__main__.py', 'python:default'],
  ['package.json', 'nodejs:default'],
  ['index.js', 'nodejs:default'],
  ['index.mjs', 'nodejs:default'],
];

const maxZipEntries = 100_000;

/**
 * Undefined when neither a file nor an image is named.
 * @throws Fault SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN
 */
export async function toExec(source: ActionSource): Promise<JsonObject | undefined> {
  const { file, docker } = source;
  if (file === undefined && docker === undefined) return undefined;
  const bytes = file === undefined ? undefined : await readBounded(file, maxCodeBytes);
  const isZip = bytes?.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004', 'latin1')) ?? false;
  const code = bytes?.toString(isZip ? 'base64' : 'utf8');
  return {
    ...(docker === undefined
      ? { kind: source.kind ?? (await kindOf(file ?? '', isZip ? bytes : undefined)) }
      : { kind: 'blackbox', image: docker }),
    ...(code === undefined ? {} : { code }),
    ...(source.main === undefined ? {} : { main: source.main }),
  };
}

async function kindOf(file: string, zip: Buffer | undefined): Promise<string> {
  if (zip === undefined) {
    const kind = kindByExtension[extname(file).toLowerCase()];
    if (kind !== undefined) return kind;
    throw cliFault('SOURCE_KIND_UNKNOWN', `the kind of ${file} can't be told from its name`, {
      hint: `add --kind, for example --kind nodejs:default; known names end in ${Object.keys(kindByExtension).join(' ')} .zip`,
    });
  }
  const entries = await entryNames(zip, file);
  const found = kindByEntry.find(([entry]) => entries.has(entry));
  if (found !== undefined) return found[1];
  throw cliFault(
    'SOURCE_KIND_UNKNOWN',
    `${file} has none of ${kindByEntry.map(([entry]) => entry).join(', ')}`,
    {
      hint: 'zip the folder’s content, not the folder itself, or add --kind',
    },
  );
}

function entryNames(zip: Buffer, file: string): Promise<Set<string>> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) =>
      reject(cliFault('SOURCE_UNREADABLE', `${file} is not a readable zip: ${cause.message}`, { cause }));
    fromBuffer(zip, { lazyEntries: true }, (error, archive) => {
      if (error) return refuse(error);
      const names = new Set<string>();
      archive.on('error', refuse);
      archive.on('end', () => resolve(names));
      archive.on('entry', (entry) => {
        names.add(entry.fileName);
        if (names.size > maxZipEntries) refuse(new Error(`more than ${maxZipEntries} entries`));
        else archive.readEntry();
      });
      archive.readEntry();
    });
  });
}
