/**
 * YAML that holds only data: no aliases (a few of them expand beyond any memory), no keys with a meaning in
 * JavaScript, bounded depth, and no duplicate keys.
 */
import { parseDocument } from 'yaml';
import { type Fault, isJsonObject, type JsonValue, messageOf } from '../lib/index.ts';

const maxDepth = 64;

/** @param refuse creates the Fault from a description of the problem */
export function parsePlainYaml(text: string, refuse: (what: string) => Fault): JsonValue {
  let value: JsonValue;
  try {
    const document = parseDocument(text, { strict: true, uniqueKeys: true, prettyErrors: true });
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    value = document.toJS({ maxAliasCount: 0 }) ?? null;
  } catch (error) {
    // Deep nesting ends in a RangeError of the parser, an alias in a ReferenceError of the conversion.
    const isAlias = error instanceof ReferenceError;
    throw refuse(
      isAlias ? 'aliases (*name) are not allowed: write the value out' : firstLine(messageOf(error)),
    );
  }
  const problem = wrongPart(value, maxDepth);
  if (problem !== undefined) throw refuse(problem);
  return value;
}

function wrongPart(value: unknown, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) {
    const isData = ['string', 'boolean'].includes(typeof value) || value === null || Number.isFinite(value);
    return isData ? undefined : 'a value is not JSON';
  }
  if (depth === 0) return `it nests deeper than ${maxDepth}`;
  if (!Array.isArray(value) && !isPlain(value)) return 'a value is not JSON';
  for (const [key, part] of Object.entries(value)) {
    if (key === '__proto__') return `'${key}' can't be a key`;
    const problem = wrongPart(part, depth - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** YAML's tags turn text into dates, sets and bytes. */
function isPlain(value: object): boolean {
  return isJsonObject(value) && Object.getPrototypeOf(value) === Object.prototype;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
