/**
 * Converts the name of a tar entry to a path below the root, without a leading slash. A name that another program
 * could read differently has a problem instead.
 */
import { isUtf8 } from 'node:buffer';

/** `path` is empty for the root itself. */
export type EntryPath =
  | { readonly path: string; readonly problem?: undefined }
  | { readonly path?: undefined; readonly problem: string };

/** Half of PATH_MAX: the rest is for the target folder. */
const maxNameBytes = 2048;
/** NAME_MAX of Linux. */
const maxPartBytes = 255;
const maxDepth = 100;
const controlCharacters = /\p{Cc}/u;
/** Names that need no change; most names match. */
const plain = /^(?:[\w@+-][\w@+.~-]{0,100}\/){0,30}[\w@+-][\w@+.~-]{0,100}$/;

export function entryPath(name: Buffer): EntryPath {
  const text = name.toString('utf8');
  if (plain.test(text)) return { path: text };
  const problem = problemOf(name, text);
  if (problem !== undefined) return { problem };
  const parts = partsOf(text);
  if (parts.length > maxDepth) return { problem: `is deeper than ${maxDepth} folders` };
  if (parts.includes('..')) return { problem: 'leads out of the archive' };
  if (parts.some((part) => Buffer.byteLength(part) > maxPartBytes))
    return { problem: 'has a name that is too long' };
  return { path: parts.join('/') };
}

/**
 * Finds the target of a link at `path`, below the same root; undefined when it points outside of it. Does not follow
 * a target that is a link itself.
 */
export function linkTarget(path: string, target: string): string | undefined {
  const from = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  for (const part of partsOf(target)) {
    if (part !== '..') from.push(part);
    else if (from.pop() === undefined) return undefined;
  }
  return from.join('/');
}

/** Quotes, escapes and shortens a path for a message. */
export function showPath(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

function problemOf(name: Buffer, text: string): string | undefined {
  if (!isUtf8(name)) return 'has a name that is not UTF-8';
  if (controlCharacters.test(text)) return 'has a control character in its name';
  if (text.startsWith('/')) return 'has an absolute path';
  if (text === '') return 'has no name';
  return name.length > maxNameBytes ? 'has a name that is too long' : undefined;
}

function partsOf(text: string): string[] {
  return text.split('/').filter((part) => part !== '' && part !== '.');
}
