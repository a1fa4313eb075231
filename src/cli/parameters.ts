/** Parameters and annotations as they are typed: `-p key value`, `-P file.json`, and `-` for standard input. */
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import { cliFault } from './faults.ts';
import { readBounded } from './read-source.ts';

const maxFileBytes = 8 * 1024 * 1024;

export interface ParameterSources {
  readonly file: string | undefined;
  readonly pairs: readonly (readonly [string, string])[];
}

/**
 * What the file holds, overridden by what was typed; undefined when there is neither.
 * @throws Fault PARAMETER_INVALID, SOURCE_UNREADABLE
 */
export async function collectParameters(
  sources: ParameterSources,
  stdin: NodeJS.ReadableStream,
): Promise<JsonObject | undefined> {
  if (sources.file === undefined && sources.pairs.length === 0) return undefined;
  const fromFile = sources.file === undefined ? {} : await readObject(sources.file, stdin);
  const typed = sources.pairs.map(([key, text]) => [key, parseValue(text)] as const);
  return { ...fromFile, ...Object.fromEntries(typed) };
}

/** JSON where it is JSON, else the text itself: `5` is a number, `five` a string, as wsk has it. */
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

async function readObject(path: string, stdin: NodeJS.ReadableStream): Promise<JsonObject> {
  const source = path === '-' ? stdin : path;
  const text = (await readBounded(source, maxFileBytes)).toString('utf8');
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
