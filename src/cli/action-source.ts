/**
 * From a file to what the API calls `exec`. The kind is what --kind says, else what the file's name, its first
 * bytes or, for a zip, its top-level entries say. Refuses folders, and files whose kind can't be told.
 */
import { extname } from 'node:path';
import type { JsonObject } from '../lib/index.ts';
import { cliFault } from './faults.ts';
import { readBounded } from './read-source.ts';
import { entryNames, isZip } from './zip-entries.ts';

export interface KindChoice {
  readonly kind: string | undefined;
  readonly main: string | undefined;
  /** An image that has the action in it. */
  readonly docker: string | undefined;
  /** A program for the kernel itself, or a script for its shell. */
  readonly native: boolean;
}

export interface ActionSource extends KindChoice {
  readonly file: string | undefined;
}

export interface SourceCode {
  /** Its file's name, for messages and for what its ending says. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** The server's own limit is 48 MB of code; this one keeps a mistyped path from filling the memory. */
export const maxCodeBytes = 64 * 1024 * 1024;

const nativeKind = 'native:default';

const kindByExtension: Readonly<Record<string, string>> = {
  '.js': 'nodejs:default',
  '.mjs': 'nodejs:default',
  '.cjs': 'nodejs:default',
  '.py': 'python:default',
  '.rb': 'ruby:default',
  '.php': 'php:default',
  '.jar': 'java:default',
  '.sh': nativeKind,
};

/** Top-level entry of a zip → kind; the first that is there counts. */
const kindByEntry: readonly (readonly [entry: string, kind: string])[] = [
  ['__main__.py', 'python:default'],
  ['package.json', 'nodejs:default'],
  ['index.js', 'nodejs:default'],
  ['index.mjs', 'nodejs:default'],
  ['main.rb', 'ruby:default'],
  ['index.php', 'php:default'],
  ['exec', nativeKind],
];

/** Sources that are compiled first: nothing in Ward compiles. */
const compileFirst: Readonly<Record<string, string>> = {
  '.java': 'compile it and deploy the jar: javac, jar, then ACTION.jar --main CLASS',
  '.go': 'compile it (CGO_ENABLED=0 go build -o exec) and deploy the program with --kind go:default',
  '.rs': 'compile it and deploy the program with --native',
  '.swift': 'compile it and deploy the program with --native',
};

/**
 * Undefined when neither a file nor an image is named.
 * @throws Fault SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN, USAGE
 */
export async function toExec(source: ActionSource): Promise<JsonObject | undefined> {
  const { file, docker } = source;
  if (file === undefined && docker === undefined) return undefined;
  const code = file === undefined ? undefined : { name: file, bytes: await readBounded(file, maxCodeBytes) };
  return execOf(code, source);
}

/** @throws Fault SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN, USAGE */
export async function execOf(code: SourceCode | undefined, choice: KindChoice): Promise<JsonObject> {
  const { docker, main } = choice;
  if ([choice.kind, docker, choice.native || undefined].filter((each) => each !== undefined).length > 1)
    throw cliFault('USAGE', 'an action is of one kind: --kind, --docker and --native exclude each other');
  const kind = docker === undefined ? (choice.kind ?? (await kindOf(code, choice.native))) : 'blackbox';
  if (/^java(?::|$)/.test(kind) && main === undefined)
    throw cliFault('USAGE', 'a Java action needs the name of its class', { hint: 'add --main CLASS' });
  return {
    kind,
    ...(docker === undefined ? {} : { image: docker }),
    ...(code === undefined ? {} : { code: codeText(code.bytes) }),
    ...(main === undefined ? {} : { main }),
  };
}

async function kindOf(code: SourceCode | undefined, isNative: boolean): Promise<string> {
  if (isNative) return nativeKind;
  const { name, bytes } = code ?? { name: '', bytes: Buffer.alloc(0) };
  const extension = extname(name).toLowerCase();
  const known = Object.hasOwn(kindByExtension, extension) ? kindByExtension[extension] : undefined;
  if (known !== undefined) return known;
  if (isElf(bytes)) return nativeKind;
  if (isZip(bytes)) return kindOfZip(bytes, name);
  throw cliFault('SOURCE_KIND_UNKNOWN', `the kind of ${name} can't be told from its name`, {
    hint:
      (Object.hasOwn(compileFirst, extension) ? compileFirst[extension] : undefined) ??
      `add --kind, for example --kind nodejs:default; known names end in ${Object.keys(kindByExtension).join(' ')} .zip`,
  });
}

async function kindOfZip(zip: Buffer, file: string): Promise<string> {
  const entries = await entryNames(zip, file);
  const found = kindByEntry.find(([entry]) => entries.has(entry));
  if (found !== undefined) return found[1];
  const names = kindByEntry.map(([entry]) => entry).join(', ');
  throw cliFault('SOURCE_KIND_UNKNOWN', `${file} has none of ${names}`, {
    hint: 'zip the folder’s content, not the folder itself, or add --kind',
  });
}

/** Text as it is, everything else in base64. */
function codeText(bytes: Buffer): string {
  if (isZip(bytes) || isElf(bytes)) return bytes.toString('base64');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString('base64');
  }
}

function isElf(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).equals(Buffer.from('\u007fELF', 'latin1'));
}
