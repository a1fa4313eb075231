/** Host names, and the only kind of pattern: `*.example.com`, which covers names below it at any depth. */

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** In lower case and without the final dot; undefined when the text is not a host name. */
export function parseHostName(text: string): string | undefined {
  if (text.length > 254) return undefined;
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  const isName = name.length > 0 && name.length <= 253 && labels.every((part) => label.test(part));
  // Most programs read a name that ends in a number as an address.
  return isName && !/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? name : undefined;
}

/** A name, or `*.` and a name of two labels or more, so that a typing error can't open a whole top-level domain. */
export function parseHostPattern(text: string): string | undefined {
  if (!text.startsWith('*.')) return parseHostName(text);
  const below = parseHostName(text.slice(2));
  return below?.includes('.') ? `*.${below}` : undefined;
}

/** Whether a parsed pattern covers a parsed name. `*.example.com` doesn't cover `example.com` itself. */
export function matchesPattern(pattern: string, name: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern;
}

/** Whether `outer` covers every name that `inner` covers. */
export function coversPattern(outer: string, inner: string): boolean {
  if (!inner.startsWith('*.')) return matchesPattern(outer, inner);
  return outer === inner || (outer.startsWith('*.') && inner.slice(1).endsWith(outer.slice(1)));
}
