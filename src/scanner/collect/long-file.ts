/** A file that is not read whole, as it passes by those who can look at it so. */
import { messageOf } from '../../lib/index.ts';
import { probeLongFile } from '../inventory/long-files.ts';
import type { FileFacts, FileInspector } from '../types.ts';
import { type DigestTaker, takeDigests } from './file-digests.ts';
import type { Keeping } from './keeping.ts';

export interface LongFileWatch {
  /** The bytes need to stay as they are only until it returns. */
  piece(bytes: Buffer): void;
  /** After the last. */
  end(): void;
}

/** The note with which Go's programs begin. Digests take half as long as all else, and others are known by their version. */
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
    end: () => {
      keeping.addProof(facts.path, probe.proof(), () => taker?.digests());
      for (const watch of watches) watch.end();
    },
  };
}

/** One that fails is a gap, and is asked no more. */
function guardedWatch(inspector: FileInspector, facts: FileFacts, keeping: Keeping): LongFileWatch {
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
    end: () => keeping.addFindings(guard(() => watch?.end()) ?? []),
  };
}
