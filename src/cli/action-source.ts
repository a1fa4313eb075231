/**
 * Converts a file or a folder into what the API calls `exec`. `--kind` decides the kind; without it, the file's name
 * or its first bytes do, or the top-level entries of a zip or folder. Refuses sources that must be compiled first,
 * and files whose kind is unclear.
 */
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { LeftOut } from '../images/index.ts';
import { errnoOf, formatSize, type JsonObject, messageOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';
import { readBounded } from './read-source.ts';
import { checkTypeScript } from './typescript.ts';
import { entryNames, isZip, readEntry } from './zip-entries.ts';
import { type FolderSource, zipFolder } from './zip-folder.ts';

interface KindChoice {
  readonly kind: string | undefined;
  readonly main: string | undefined;
  /** An image that contains the action. */
  readonly docker: string | undefined;
  /** A program for the kernel, or a shell script. */
  readonly native: boolean;
}

interface ActionSource extends KindChoice {
  /** A file or a folder. */
  readonly file: string | undefined;
  readonly tell?: TellLeftOut | undefined;
}

export interface SourceCode {
  /** The file's name, for messages and for its extension. */
  readonly name: string;
  readonly bytes: Buffer;
  /** True for a zipped folder, whose extension does not count. */
  readonly isFolder?: boolean;
}

/** Called with the files that a folder's code leaves out, once they are known. */
export type TellLeftOut = (leftOut: readonly LeftOut[]) => void;

/** The server's own limit is 48 MB of code; this one keeps a mistyped path from filling the memory. */
const maxCodeBytes = 64 * 1024 * 1024;
/** Larger programs count as programs of no known toolchain. */
const maxProgramBytes = 256 * 1024 * 1024;

const nativeKind = 'native:default';

const kindByExtension: Readonly<Record<string, string>> = {
  '.js': 'nodejs:default',
  '.mjs': 'nodejs:default',
  '.cjs': 'nodejs:default',
  '.ts': 'nodejs:default',
  '.mts': 'nodejs:default',
  '.cts': 'nodejs:default',
  '.py': 'python:default',
  '.rb': 'ruby:default',
  '.php': 'php:default',
  '.jar': 'java:default',
  '.sh': nativeKind,
};

const goKind = 'go:default';

/** Top-level entry of a zip → kind; the first match counts. */
const kindByEntry: readonly (readonly [entry: string, kind: string])[] = [
  ['__main__.py', 'python:default'],
  ['package.json', 'nodejs:default'],
  ['index.js', 'nodejs:default'],
  ['index.mjs', 'nodejs:default'],
  ['index.ts', 'nodejs:default'],
  ['index.mts', 'nodejs:default'],
  ['main.rb', 'ruby:default'],
  ['index.php', 'php:default'],
  ['exec', nativeKind],
];

const goHint =
  'compile it to a program named exec (CGO_ENABLED=0 go build -o exec) and deploy that: docs/functions/go.md';

/** Sources that must be compiled first: Ward compiles nothing. */
const compileFirst: Readonly<Record<string, string>> = {
  '.java': 'compile it and deploy the jar: javac, jar, then ACTION.jar --main CLASS',
  '.go': goHint,
  '.rs': 'compile it and deploy the program with --native',
  '.swift': 'compile it and deploy the program with --native',
  '.tsx': 'compile it to JavaScript: types are taken out of TypeScript, but JSX is not compiled',
  '.jsx': 'compile it to JavaScript: JSX is not compiled',
};

/** Files of a folder or zip that is not an action yet, and how to make it one. */
const entryHints: readonly (readonly [entry: RegExp, hint: string])[] = [
  [/^(?:go\.mod|[^/]+\.go)$/, goHint],
  [
    /^Dockerfile$/,
    'build an image from it: ward image build FOLDER, then ward action create NAME --docker IMAGE',
  ],
  [
    /^(?:main|app|handler|requirements|pyproject)\.(?:py|txt|toml)$/,
    'a Python action starts in __main__.py: rename the file with its main',
  ],
  [/^(?:pom\.xml|build\.gradle(?:\.kts)?)$/, 'build the jar and deploy it: ACTION.jar --main CLASS'],
  [/^[^/]+\.[cm]?[jt]s$/, 'name the file index.js or index.ts, or name it as main in a package.json'],
  [
    /^[^/]+\/(?:package\.json|index\.[jt]s|__main__\.py|exec)$/,
    'deploy the folder inside it: the entry point of an action must be at the top level',
  ],
];

/**
 * Undefined when neither code nor an image is named.
 * @throws Fault SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN, USAGE
 */
export async function toExec(source: ActionSource): Promise<JsonObject | undefined> {
  const { file, docker, tell } = source;
  if (file === undefined && docker === undefined) return undefined;
  const code = file === undefined ? undefined : await readCode({ folder: file }, tell);
  return execOf(code, source);
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const what = errnoOf(cause) === 'ENOENT' ? `${path} does not exist` : messageOf(cause);
    throw cliFault('SOURCE_UNREADABLE', what, { cause });
  }
}

/** Reads a file as it is, and a folder as a zip. @throws Fault SOURCE_UNREADABLE */
export async function readCode(source: FolderSource, tell: TellLeftOut = () => {}): Promise<SourceCode> {
  const name = source.folder;
  if (!(await isFolder(name))) return { name, bytes: await readBounded(name, maxCodeBytes) };
  const { bytes, leftOut } = await zipFolder(source);
  tell(leftOut);
  if (bytes.byteLength <= maxCodeBytes) return { name, bytes, isFolder: true };
  throw cliFault(
    'SOURCE_UNREADABLE',
    `${name} is ${formatSize(bytes.byteLength)} as a zip, and the limit is ${formatSize(maxCodeBytes)}`,
    { hint: 'list files that the action does not need in .wardignore' },
  );
}

/** @throws Fault SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN, USAGE */
export async function execOf(code: SourceCode | undefined, choice: KindChoice): Promise<JsonObject> {
  const { docker, main } = choice;
  if ([choice.kind, docker, choice.native || undefined].filter((each) => each !== undefined).length > 1)
    throw cliFault('USAGE', 'an action is of one kind: --kind, --docker and --native exclude each other');
  const kind = docker === undefined ? (choice.kind ?? (await kindOf(code, choice.native))) : 'blackbox';
  if (code !== undefined && kind.startsWith('nodejs:')) checkTypeScript(code.name, code.bytes);
  if (/^java(?::|$)/.test(kind) && main === undefined)
    throw cliFault('USAGE', 'a Java action needs its main class', { hint: 'add --main CLASS' });
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
  const extension = code?.isFolder === true ? '.zip' : extname(name).toLowerCase();
  const known = Object.hasOwn(kindByExtension, extension) ? kindByExtension[extension] : undefined;
  if (known !== undefined) return known;
  if (isElf(bytes)) return kindOfProgram(bytes);
  if (isZip(bytes)) return kindOfZip(bytes, name);
  const compile = Object.hasOwn(compileFirst, extension) ? compileFirst[extension] : undefined;
  const what =
    compile === undefined
      ? `the kind of ${name} can't be told from its name`
      : `${name} must be compiled first: ward does not compile`;
  throw cliFault('SOURCE_KIND_UNKNOWN', what, {
    hint:
      compile ??
      `add --kind, for example --kind nodejs:default; known names end in ${Object.keys(kindByExtension).join(' ')} .zip`,
  });
}

async function kindOfZip(zip: Buffer, file: string): Promise<string> {
  const entries = await entryNames(zip, file);
  const found = kindByEntry.find(([entry]) => entries.has(entry));
  if (found?.[1] === nativeKind) return kindOfProgram(await readEntry(zip, file, found[0], maxProgramBytes));
  if (found !== undefined) return found[1];
  const names = kindByEntry.map(([entry]) => entry).join(', ');
  const hint = entryHints.find(([pattern]) => [...entries].some((entry) => pattern.test(entry)))?.[1];
  throw cliFault('SOURCE_KIND_UNKNOWN', `${file} contains none of ${names}`, { hint: hint ?? 'add --kind' });
}

/** Every program that Go links has this, stripped or not (Go, `debug/buildinfo`), at a multiple of 16. */
const goMark = Buffer.from('\u00ff Go buildinf:', 'latin1');

/** A program of Go speaks ActionLoop, as OpenWhisk's runtime for Go does. */
function kindOfProgram(program: Buffer): string {
  if (!isElf(program)) return nativeKind;
  for (let at = program.indexOf(goMark); at >= 0; at = program.indexOf(goMark, at + 1))
    if (at % 16 === 0) return goKind;
  return nativeKind;
}

/** Returns text as it is, and everything else in base64. */
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
