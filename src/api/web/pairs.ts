/** `a=1&b=2`, as queries and forms have it. */

/** Fields of one query or form at most: reading more would take longer than a request is worth. */
export const maxPairs = 10_000;

/**
 * Of a key that is repeated the last value counts, as in OpenWhisk. Undefined when a percent-encoding is broken or
 * there are more than `maxPairs`.
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
