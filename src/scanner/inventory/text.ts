/** Text as package managers write it: bounded, without surprises. */

/** Longer names and versions belong to no package. */
const maxNameLength = 512;

/** Lines without their ends. */
export function linesOf(content: Buffer): string[] {
  return content.toString('utf8').split(/\r?\n/);
}

/** A name or version that is worth keeping, as a URL can have it; undefined when it is none. */
export function named(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  // Half of a surrogate pair can be written in JSON and YAML, and nowhere else.
  const text = value.trim().toWellFormed();
  return text === '' || text.length > maxNameLength || /\p{Cc}/u.test(text) ? undefined : text;
}

/** The folder of a path, with a slash at its end; empty at the root. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
