/**
 * Programs that are too long to be held in memory: Node.js has more than 100 MB. They are looked through while they
 * pass by, for the marks that Go and Node.js leave.
 */
import { openRollingBytes } from '../rolling-bytes.ts';
import { goMagic, inlineModules } from './elf/go.ts';
import { nodeAt, nodeMark, nodeVersionBytes } from './elf/node.ts';
import { isElf } from './elf/sections.ts';
import type { FoundPackage, Proof } from './types.ts';

export interface LongFileProbe {
  /** The next bytes of the file. */
  feed(piece: Buffer): void;
  /** What was found, when all has passed. */
  proof(): Proof | undefined;
}

/** So much of Go's build information is kept: it has a line a module. */
const goBytes = 2 * 1024 * 1024;
/** Where the mark is text only: Go's own tools look for it, too. */
const maxGoMarks = 8;
const overlap = Math.max(goMagic.length, nodeMark.length + nodeVersionBytes);

export function probeLongFile(): LongFileProbe {
  const rolling = openRollingBytes();
  let isProgram: boolean | undefined;
  let node: FoundPackage | undefined;
  const marks: { readonly pieces: Buffer[]; length: number }[] = [];

  const keep = (bytes: Buffer): void => {
    const wanting = marks.filter(({ length }) => length < goBytes);
    if (wanting.length === 0) return;
    // The bytes are the reader's.
    const copy = Buffer.from(bytes);
    for (const mark of wanting) {
      mark.pieces.push(copy);
      mark.length += copy.length;
    }
  };
  const feed = (piece: Buffer): void => {
    isProgram ??= isElf(piece);
    if (!isProgram) return;
    const bytes = rolling.add(piece);
    keep(piece);
    const searchable = bytes.length - overlap;
    for (let at = bytes.indexOf(goMagic); at >= 0 && at < searchable; at = bytes.indexOf(goMagic, at + 1)) {
      if (marks.length === maxGoMarks) break;
      marks.push({ pieces: [Buffer.from(bytes.subarray(at))], length: bytes.length - at });
    }
    for (let at = bytes.indexOf(nodeMark); at >= 0 && at < searchable; at = bytes.indexOf(nodeMark, at + 1)) {
      node ??= nodeAt(bytes, at);
    }
    rolling.drop(Math.max(0, searchable));
  };
  const proof = (): Proof | undefined => {
    const modules = marks.map(({ pieces }) => modulesAt(Buffer.concat(pieces)));
    const found =
      modules.find((each) => each?.packages !== undefined) ?? modules.find((each) => each !== undefined);
    if (node === undefined) return found;
    return { ...found, packages: [node, ...(found?.packages ?? [])] };
  };
  return { feed, proof };
}

/** Undefined when the mark was text only. */
function modulesAt(bytes: Buffer): Proof | undefined {
  try {
    return inlineModules(bytes);
  } catch {
    return undefined;
  }
}
