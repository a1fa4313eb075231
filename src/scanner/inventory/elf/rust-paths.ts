/**
 * Finds crates of a Rust program without audit data by its panic messages, which contain the path of the source as Cargo
 * lays it out (`…/registry/src/index.crates.io-6f17d22bba15001f/time-0.1.44/src/lib.rs`). Crates that can't panic leave no
 * path, and a build can strip paths, so the list is a minimum.
 */
import type { FoundPackage } from '../types.ts';

const unixMark = Buffer.from('/registry/src/');
const windowsMark = Buffer.from('\\registry\\src\\');

/** Programs for Windows may have been built on another system. */
export function cratePathMarks(head: Buffer): readonly Buffer[] {
  return head.toString('latin1', 0, 2) === 'MZ' ? [unixMark, windowsMark] : [unixMark];
}

/** Bytes from the mark to the version. */
export const cratePathBytes = 300;

const cratePath =
  /^[\\/]registry[\\/]src[\\/][\w.-]{1,100}[\\/]([A-Za-z_][\w-]{0,63}?)-(\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][\w.+-]{1,60})?)[\\/]/;
/** The largest programs have a tenth of this. */
const mostCrates = 3000;
const mostMarks = 500_000;

interface CrateFinder {
  /** @param at offset of a mark */
  look(bytes: Buffer, at: number): void;
  packages(): readonly FoundPackage[];
  gaps(): readonly string[];
}

export function openCrateFinder(): CrateFinder {
  const found = new Map<string, FoundPackage>();
  let marks = 0;
  return {
    look: (bytes, at) => {
      if (marks++ >= mostMarks || found.size > mostCrates) return;
      const match = cratePath.exec(bytes.toString('latin1', at, at + cratePathBytes));
      if (match === null) return;
      const [, name = '', version = ''] = match;
      found.set(`${name} ${version}`, { ecosystem: 'cargo', name, version });
    },
    packages: () => [...found.values()].slice(0, mostCrates),
    gaps: () =>
      marks > mostMarks || found.size > mostCrates ? ['it names more crates than a program could have'] : [],
  };
}

/** Searches a whole program. */
export function cratesIn(content: Buffer): CrateFinder {
  const finder = openCrateFinder();
  for (const mark of cratePathMarks(content)) {
    for (let at = content.indexOf(mark); at >= 0; at = content.indexOf(mark, at + 1))
      finder.look(content, at);
  }
  return finder;
}
