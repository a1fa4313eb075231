/** Reads `a=1&b=2`, the form of queries and forms. */

/** Most fields of one query or form: reading more would take too long. */
export const maxPairs = 10_000;

/**
 * Keeps the last value of a repeated key, as OpenWhisk does. Returns undefined for a broken percent-encoding and for more than
 * `maxPairs` fields.
 */
export function parsePairs(text: string): ReadonlyMap<string, string> | undefined {
  const parts = text.split('&', maxPairs + 1);
  if (parts.length > maxPairs) return undefined;
  const pairs = new Map<string, string>();
  try {
    for (const part of parts) {
      if (part === '') continue;
      const at = part.indexOf('=');
      const key = decode(at < 0 ? part : part.slice(0, at));
      pairs.set(key, at < 0 ? '' : decode(part.slice(at + 1)));
    }
  } catch {
    return undefined;
  }
  return pairs;
}

/** @throws URIError */
function decode(text: string): string {
  return decodeURIComponent(text.includes('+') ? text.replaceAll('+', ' ') : text);
}
