/** What is before Ward's own paths in the address of the page. The proxy that adds it is all that knows it. */

/** Without a slash at its end. */
export const prefix = prefixIn(import.meta.url);

/** @param script the address of a file of the console */
export function prefixIn(script: string): string {
  return /^(.*)\/console\/assets\/[^/]*$/.exec(new URL(script).pathname)?.[1] ?? '';
}
