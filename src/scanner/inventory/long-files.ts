/**
 * Searches programs that are too long for memory, such as Node.js with more than 100 MB, for the marks of Go, Rust and
 * Node.js while they stream past.
 */
import { openRollingBytes } from '../rolling-bytes.ts';
import { isProgram as startsProgram } from './elf/formats.ts';
import { goMagic, maxGoMarks, modulesAt } from './elf/go.ts';
import { nodeAt, nodeMark, nodeVersionBytes } from './elf/node.ts';
import { cratePathBytes, cratePathMarks, openCrateFinder } from './elf/rust-paths.ts';
import type { FoundPackage, Proof } from './types.ts';

interface LongFileProbe {
  /** The next bytes of the file. */
  feed(piece: Buffer): void;
  /** The result, after the last piece. */
  proof(): Proof | undefined;
}

/** Bytes of Go's build information that are kept. It has one line per module. */
const goBytes = 2 * 1024 * 1024;
const overlap = Math.max(goMagic.length, nodeMark.length + nodeVersionBytes, cratePathBytes);

export function probeLongFile(): LongFileProbe {
  const rolling = openRollingBytes();
  let isProgram: boolean | undefined;
  let node: FoundPackage | undefined;
  const crates = openCrateFinder();
  let crateMarks: readonly Buffer[] | undefined;
  const marks: { readonly pieces: Buffer[]; length: number }[] = [];

  const keep = (bytes: Buffer): void => {
    const wanting = marks.filter(({ length }) => length < goBytes);
    if (wanting.length === 0) return;
    // The bytes belong to the reader.
    const copy = Buffer.from(bytes);
    for (const mark of wanting) {
      mark.pieces.push(copy);
      mark.length += copy.length;
    }
  };
  const feed = (piece: Buffer): void => {
    isProgram ??= startsProgram(piece);
    crateMarks ??= cratePathMarks(piece);
    if (!isProgram) return;
    const bytes = rolling.add(piece);
    keep(piece);
    const searchable = bytes.length - overlap;
    look(bytes, searchable);
    rolling.drop(Math.max(0, searchable));
  };
  const look = (bytes: Buffer, end: number): void => {
    for (let at = bytes.indexOf(goMagic); at >= 0 && at < end; at = bytes.indexOf(goMagic, at + 1)) {
      if (marks.length === maxGoMarks) break;
      marks.push({ pieces: [Buffer.from(bytes.subarray(at))], length: bytes.length - at });
    }
    for (let at = bytes.indexOf(nodeMark); at >= 0 && at < end; at = bytes.indexOf(nodeMark, at + 1)) {
      node ??= nodeAt(bytes, at);
    }
    for (const mark of crateMarks ?? []) {
      for (let at = bytes.indexOf(mark); at >= 0 && at < end; at = bytes.indexOf(mark, at + 1)) {
        crates.look(bytes, at);
      }
    }
  };
  const proof = (): Proof | undefined => {
    const rest = rolling.add(Buffer.alloc(0));
    look(rest, rest.length);
    const modules = marks.map(({ pieces }) => modulesAt(Buffer.concat(pieces)));
    const found =
      modules.find((each) => each?.packages !== undefined) ?? modules.find((each) => each !== undefined);
    const packages = [...(node ? [node] : []), ...(found?.packages ?? []), ...crates.packages()];
    const gaps = [...(found?.gaps ?? []), ...crates.gaps()];
    return packages.length + gaps.length === 0 ? undefined : { packages, gaps };
  };
  return { feed, proof };
}
