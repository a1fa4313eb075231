/** JSON as a type, and checks that several rooms need. */

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * True when objects and arrays in `text` nest deeper than `limit`: checked on the text, before a parser
 * recurses into it.
 */
export function nestsDeeperThan(text: string, limit: number): boolean {
  // Each level costs a character.
  if (text.length <= limit) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    // Most of a large text is strings, and the engine finds their ends faster than any loop here.
    if (char === 0x22) i = endOfString(text, i);
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > limit) return true;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return false;
}

/**
 * True when `text` has more than `limit` values, counted by the characters before each: checked on the text, before a parser
 * makes objects of them, which can take thirty times its length.
 */
export function hasMoreValuesThan(text: string, limit: number): boolean {
  // Each value but the first costs a character.
  if (text.length < limit) return false;
  let values = 1;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x22) i = endOfString(text, i);
    else if (char === 0x2c || char === 0x3a || char === 0x5b || char === 0x7b) {
      if (++values > limit) return true;
    }
  }
  return values > limit;
}

/** Index of the quote that ends the string at `start`; the text's end without one. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}
