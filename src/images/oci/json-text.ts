/**
 * Checks a JSON text before a parser sees it: for too many levels, keys and values, and for keys that appear twice in
 * one object. JSON does not define which of the two counts, so two readers could see two different images.
 */

export interface JsonTextLimits {
  readonly depth: number;
  /** In all objects together. */
  readonly keys: number;
  /** In all lists and objects together. */
  readonly values: number;
}

const quote = 0x22;
const comma = 0x2c;

/** Describes the problem; undefined without one. Does not check whether the text is JSON: the parser does. */
export function findTrouble(json: string, limits: JsonTextLimits): string | undefined {
  /** For each open bracket: the keys of the object, or undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  let keyCount = 0;
  let valueCount = 0;
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (char === quote) {
      const end = endOfString(json, at);
      const keys = open.at(-1);
      if (isKeyNext && keys !== undefined) {
        const key = textOf(json.slice(at, end + 1));
        if (keys.has(key)) return `it has the key ${JSON.stringify(key.slice(0, 100))} twice`;
        keys.add(key);
        if (++keyCount > limits.keys) return `it has more than ${limits.keys} keys`;
      }
      isKeyNext = false;
      at = end;
    } else if (char === comma) {
      if (++valueCount > limits.values) return `it has more than ${limits.values} values`;
      isKeyNext = open.at(-1) !== undefined;
    } else if (isOpening(char)) {
      if (open.push(char === 0x7b ? new Set() : undefined) > limits.depth) {
        return `it nests deeper than ${limits.depth} levels`;
      }
      isKeyNext = char === 0x7b;
    } else if (char === 0x7d || char === 0x5d) open.pop();
  }
  return undefined;
}

function isOpening(char: number): boolean {
  return char === 0x7b || char === 0x5b;
}

/** Finds the closing quote of the string that begins at `from`; the end of the text when there is none. */
function endOfString(json: string, from: number): number {
  for (let at = json.indexOf('"', from + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json[at - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return json.length;
}

/** Decodes a quoted key; leaves a text that is not JSON as it is. */
function textOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
