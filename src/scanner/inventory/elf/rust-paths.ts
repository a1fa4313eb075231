/**
 * Crates of a Rust program without audit data, by what it would say when it panics: the path of the source, as Cargo lays
 * it (`…/registry/src/index.crates.io-6f17d22bba15001f/time-0.1.44/src/lib.rs`). Crates that can't panic leave none, and a
 * build can take the paths out, so these are the least that it is made of.
 */
import type { FoundPackage } from '../types.ts';

const unixMark = Buffer.from('/registry/src/');
const windowsMark = Buffer.from('\\registry\\src\\');

/** Programs for Windows may have been built elsewhere. */
export function cratePathMarks(head: Buffer): readonly Buffer[] {
  return head.toString('latin1', 0, 2) === 'MZ' ? [unixMark, windowsMark] : [unixMark];
}

/** As far as a path goes from the mark to the version. */
export const cratePathBytes = 300;

const cratePath =
  /^[\\/]registry[\\/]src[\\/][\w.-]{1,100}[\\/]([A-Za-z_][\w-]{0,63}?)-(\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][\w.+-]{1,60})?)[\\/]/;
/** The largest programs have a tenth of it. */
const mostCrates = 3000;
const mostMarks = 500_000;

interface CrateFinder {
  /** `at` is where a mark is. */
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

/** Of a whole program. */
export function cratesIn(content: Buffer): CrateFinder {
  const finder = openCrateFinder();
  for (const mark of cratePathMarks(content)) {
    for (let at = content.indexOf(mark); at >= 0; at = content.indexOf(mark, at + 1))
      finder.look(content, at);
  }
  return finder;
}
