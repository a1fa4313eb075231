/**
 * Runs several lookers, which search files for patterns, in one pass over each file. Files that are too long to be read
 * whole stream past in pieces.
 */
import { isWide, narrowed, type PlainText, plainTextOf } from '../texts/plain-text.ts';
import { type FileInspector, type Finding, headBytes, type ScannedFile } from '../types.ts';
import type { Pattern } from './pattern.ts';
import {
  createPatternSet,
  type MatchBudget,
  openPatternScan,
  type PatternScan,
  type PatternSink,
  scanBytes,
} from './pattern-scan.ts';

/** Has patterns, and decides what a match means in a file. */
export interface Looker {
  /** Changes when the looker would find something else. */
  readonly revision: string;
  readonly patterns: readonly Pattern[];
  /** Returns undefined to skip the file. */
  look(file: ScannedFile): Look | undefined;
}

/** One look at one file. It refers to patterns by their index in the looker's list. */
interface Look extends PatternSink {
  /** Takes each piece of a file that is too long to be read whole. */
  piece?(bytes: Buffer): void;
  findings(): readonly Finding[];
}

type Looks = readonly (Look | undefined)[];

/** @throws Fault RULES_INVALID */
export function createContentInspector(lookers: readonly Looker[]): FileInspector {
  const set = createPatternSet(lookers.flatMap(({ patterns }) => patterns));
  const owners = lookers.flatMap(({ patterns }, looker) =>
    patterns.map((_, pattern) => ({ looker, pattern })),
  );
  const looksAt = (file: ScannedFile): Looks => lookers.map((looker) => looker.look(file));

  const sinkOf = (looks: Looks): PatternSink => ({
    wants: (index) => {
      const owner = owners[index];
      return owner !== undefined && looks[owner.looker]?.wants(owner.pattern) === true;
    },
    found: (found) => {
      const owner = owners[found.pattern];
      if (owner !== undefined) looks[owner.looker]?.found({ ...found, pattern: owner.pattern });
    },
  });

  /** Returns the findings in the texts of a file that its raw bytes did not show. */
  const inText = (
    file: ScannedFile,
    { bytes, hasLines }: PlainText,
    known: readonly Finding[],
    budget: MatchBudget | undefined,
  ): readonly Finding[] => {
    const head = bytes.subarray(0, headBytes);
    const looks = looksAt({ ...file, sizeBytes: bytes.length, head, content: bytes });
    scanBytes(set, bytes, sinkOf(looks), budget);
    const others = findingsOf(looks).filter(({ id }) => known.every((each) => each.id !== id));
    return hasLines ? others : others.map(withoutLine);
  };

  return {
    name: 'content',
    revision: lookers.map(({ revision }) => revision).join('-'),
    looksInside: true,
    inspect: (file, budget) => {
      const looks = looksAt(file);
      scanBytes(set, file.content ?? file.head, sinkOf(looks), budget);
      const found = findingsOf(looks);
      const text = file.content && plainTextOf(file.content);
      return text === undefined ? found : [...found, ...inText(file, text, found, budget)];
    },
    watch: (facts) => {
      const start = openStart();
      let open: { readonly looks: Looks; readonly scan: PatternScan } | undefined;
      let asText: ((bytes: Buffer) => Buffer) | undefined;
      const begin = (bytes: Buffer) => {
        const start = bytes.subarray(0, headBytes);
        // A long file is searched only once: as text if it begins as text.
        if (isWide(start)) asText = narrowed;
        const looks = looksAt({ ...facts, head: asText?.(start) ?? start, content: undefined });
        return { looks, scan: openPatternScan(set, sinkOf(looks)) };
      };
      const show = (bytes: Buffer): void => {
        open ??= begin(bytes);
        open.scan.push(asText?.(bytes) ?? bytes);
        for (const look of open.looks) look?.piece?.(bytes);
      };
      return {
        piece: (bytes) => {
          const ready = open === undefined ? start.add(bytes) : bytes;
          if (ready !== undefined) show(ready);
        },
        end: () => {
          if (open === undefined) show(start.all());
          open?.scan.end();
          return findingsOf(open?.looks ?? []);
        },
      };
    },
  };
}

/** Collects the first pieces until there are enough bytes to detect the kind of file. */
function openStart() {
  let gathered: Buffer = Buffer.alloc(0);
  return {
    add: (bytes: Buffer): Buffer | undefined => {
      gathered = Buffer.concat([gathered, bytes]);
      return gathered.length >= headBytes ? gathered : undefined;
    },
    all: () => gathered,
  };
}

function withoutLine(finding: Finding): Finding {
  if (finding.class !== 'secret') return finding;
  const { line: _, ...rest } = finding;
  return rest;
}

function findingsOf(looks: Looks): readonly Finding[] {
  return looks.flatMap((look) => look?.findings() ?? []);
}
