/** Reads text of package managers within limits. */
import { mostPackages } from '../limits.ts';

/** No real name or version is longer. */
const maxNameLength = 512;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Yields lines without their ends, one at a time. The whole text as a string, or as a list of lines, would take many times
 * its memory.
 */
export function* linesOf(content: Buffer): Generator<string> {
  for (let at = 0; at <= content.length; ) {
    const found = content.indexOf(lineFeed, at);
    const next = found < 0 ? content.length : found;
    const end = found > at && content[found - 1] === carriageReturn ? found - 1 : next;
    yield content.toString('utf8', at, end);
    at = next + 1;
  }
}

/** Throws when there are more packages than an image can have. */
export function allPackages<T>(packages: Iterable<T>): T[] {
  const list: T[] = [];
  for (const each of packages) {
    if (list.length === mostPackages) throw new Error(`it names more than ${mostPackages} packages`);
    list.push(each);
  }
  return list;
}

/** Returns a name or version that a URL can hold; undefined for anything else. */
export function named(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  // JSON and YAML can contain half of a surrogate pair, but a URL can't.
  const text = value.trim().toWellFormed();
  return text === '' || text.length > maxNameLength || /\p{Cc}/u.test(text) ? undefined : text;
}

/** The folder of a path, with a trailing slash; empty at the root. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
