/** Parameters and annotations as users type them: `-p key value`, `-P file.json`, and `-` for standard input. */
import { isJsonObject, type JsonObject, type JsonValue, messageOf } from '../lib/index.ts';
import type { Context } from './command-spec.ts';
import { cliFault } from './faults.ts';
import type { Io } from './io.ts';
import { printableLine } from './printable.ts';
import { readBounded } from './read-source.ts';

const maxFileBytes = 8 * 1024 * 1024;

interface ParameterSources {
  readonly file: string | undefined;
  readonly pairs: readonly (readonly [string, string])[];
}

/** Opens a path, or returns the stream that was opened for this process. */
export type OpenSource = (path: string) => string | NodeJS.ReadableStream;

/**
 * The content of the file, overridden by typed values; undefined when there are none.
 * @throws Fault PARAMETER_INVALID, SOURCE_UNREADABLE
 */
export async function collectParameters(
  sources: ParameterSources,
  { stdin, io, open }: Pick<Context, 'stdin' | 'io'> & { readonly open?: OpenSource },
): Promise<JsonObject | undefined> {
  if (sources.file === undefined && sources.pairs.length === 0) return undefined;
  const fromFile = sources.file === undefined ? {} : await readObject(sources.file, stdin, open);
  return { ...fromFile, ...typedPairs(sources.pairs, io) };
}

/** The typed values, parsed by `parseValue`. Warns about text that looks like JSON and is not. */
export function typedPairs(pairs: ParameterSources['pairs'], io: Pick<Io, 'note'>): JsonObject {
  const typed = pairs.map(([key, text]) => {
    const value = parseValue(text);
    if (typeof value === 'string' && /^\s*[{[]/.test(text))
      io.note(
        printableLine(
          `warning: ${key} looks like JSON and is not (${complaintOf(text)}): ward sends it as text`,
        ),
      );
    return [key, value] as const;
  });
  return Object.fromEntries(typed);
}

function complaintOf(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

/** JSON if it is valid JSON, else the text itself: `5` is a number, `five` a string, as in wsk. */
export function parseValue(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The API's form of parameters and annotations. */
export function toKeyValues(values: JsonObject): JsonObject[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }));
}

async function readObject(
  path: string,
  stdin: NodeJS.ReadableStream,
  open: OpenSource = (named) => named,
): Promise<JsonObject> {
  const bytes =
    path === '-' ? await readBounded(stdin, maxFileBytes) : await readBounded(open(path), maxFileBytes, path);
  const text = bytes.toString('utf8');
  const value = parseValue(text);
  if (isJsonObject(value)) return value;
  throw cliFault(
    'PARAMETER_INVALID',
    `${path === '-' ? 'standard input' : path} does not hold a JSON object`,
    {
      hint: 'write it like {"name": "World"}',
    },
  );
}
