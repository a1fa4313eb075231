/** Host names, and the one kind of pattern that there is: `*.example.com`, any name below it at any depth. */

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Lower case and without the final dot; undefined when it is not a host name. */
export function parseHostName(text: string): string | undefined {
  if (text.length > 254) return undefined;
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  const isName = name.length > 0 && name.length <= 253 && labels.every((part) => label.test(part));
  // A name that ends in a number would be read as an address by most programs.
  return isName && !/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? name : undefined;
}

/** A name, or `*.` and a name of two labels or more, so that nobody opens a whole top-level domain by a slip. */
export function parseHostPattern(text: string): string | undefined {
  if (!text.startsWith('*.')) return parseHostName(text);
  const below = parseHostName(text.slice(2));
  return below?.includes('.') ? `*.${below}` : undefined;
}

/** Whether a parsed name is meant by a parsed pattern. `*.example.com` doesn't mean `example.com` itself. */
export function matchesPattern(pattern: string, name: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern;
}

/** Whether every name that `inner` means is meant by `outer`. */
export function coversPattern(outer: string, inner: string): boolean {
  if (!inner.startsWith('*.')) return matchesPattern(outer, inner);
  return outer === inner || (outer.startsWith('*.') && inner.slice(1).endsWith(outer.slice(1)));
}
