/** Watches a file that is too long to be read whole, as a stream. */
import { messageOf } from '../../lib/index.ts';
import { probeLongFile } from '../inventory/long-files.ts';
import type { FileFacts, FileInspector, Finding } from '../types.ts';
import { type DigestTaker, takeDigests } from './file-digests.ts';
import type { Keeping } from './keeping.ts';

/** Findings inside an archive, which need not be repeated for the archive itself. */
export interface Inside {
  has(finding: Finding): boolean;
}

interface LongFileWatch {
  /** The bytes may change after the call. */
  piece(bytes: Buffer): void;
  /** Called after the last piece. */
  end(inside?: Inside): void;
}

interface GuardedWatch {
  piece(bytes: Buffer): void;
  end(inside: Inside | undefined): void;
}

/**
 * The note at the start of Go's programs. Only those get digests, which take half as long as all the rest; other programs
 * are known by their version.
 */
const goNote = Buffer.from('Go\0\0', 'latin1');
const noteBytes = 8192;

export function watchLongFile(
  facts: FileFacts,
  inspectors: readonly FileInspector[],
  keeping: Keeping,
): LongFileWatch {
  const probe = probeLongFile();
  let taker: DigestTaker | undefined;
  let isFirst = true;
  const watches = inspectors.flatMap((each) => (each.watch ? [guardedWatch(each, facts, keeping)] : []));
  return {
    piece: (bytes) => {
      if (isFirst && bytes.subarray(0, noteBytes).includes(goNote)) taker = takeDigests(facts.path);
      isFirst = false;
      taker?.add(bytes);
      probe.feed(bytes);
      for (const watch of watches) watch.piece(bytes);
    },
    end: (inside) => {
      keeping.addProof(facts.path, probe.proof(), () => taker?.digests());
      for (const watch of watches) watch.end(inside);
    },
  };
}

/** An inspector that fails causes a gap and is not called again. */
function guardedWatch(inspector: FileInspector, facts: FileFacts, keeping: Keeping): GuardedWatch {
  let failed = false;
  const guard = <T>(work: () => T): T | undefined => {
    if (failed) return undefined;
    try {
      return work();
    } catch (error) {
      failed = true;
      keeping.addGap(facts.path, `${inspector.name}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const watch = guard(() => inspector.watch?.(facts));
  return {
    piece: (bytes) => guard(() => watch?.piece(bytes)),
    end: (inside) => {
      const found = guard(() => watch?.end()) ?? [];
      keeping.addFindings(found.filter((finding) => inside?.has(finding) !== true));
    },
  };
}
