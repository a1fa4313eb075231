/** Text as package managers write it: bounded, without surprises. */
import { mostPackages } from '../limits.ts';

/** Longer names and versions belong to no package. */
const maxNameLength = 512;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Lines without their ends, one at a time: a text as a string, or as a list of lines, takes many times its memory. */
export function* linesOf(content: Buffer): Generator<string> {
  for (let at = 0; at <= content.length; ) {
    const found = content.indexOf(lineFeed, at);
    const next = found < 0 ? content.length : found;
    const end = found > at && content[found - 1] === carriageReturn ? found - 1 : next;
    yield content.toString('utf8', at, end);
    at = next + 1;
  }
}

/** Throws when there are more than an image could have. */
export function allPackages<T>(packages: Iterable<T>): T[] {
  const list: T[] = [];
  for (const each of packages) {
    if (list.length === mostPackages) throw new Error(`it names more than ${mostPackages} packages`);
    list.push(each);
  }
  return list;
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
