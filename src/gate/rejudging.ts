/**
 * Judges again what was scanned before, with the current advisories, policy and time. Nothing is read again but
 * the stored report. A long round is cut up: a report in a turn, a page of them in a transaction.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../blobs/index.ts';
import { messageOf } from '../lib/index.ts';
import type { GateEvent } from './changes.ts';
import type { Verdict } from './judge/verdict.ts';
import { type JudgeAnewOptions, type Judged, judgeAnew } from './judge-anew.ts';
import type { Subject } from './store/types.ts';

export interface RejudgeOptions {
  readonly progress?: (done: number, total: number) => void;
  /** Ends the round between two reports; what was judged stays so. */
  readonly signal?: AbortSignal;
}

export interface RejudgeResult {
  readonly judged: number;
  /** Verdicts for calls that became worse or better. */
  readonly changed: number;
  /** Reports that could not be judged; the log has why. */
  readonly failed: number;
  /** False: it was ended before it came to all of them. */
  readonly isWhole: boolean;
}

export interface Rejudging {
  /** One subject: all verdicts that there are of it, and the one for calls in this namespace. */
  rejudge(subject: Subject, namespace?: string): Promise<readonly Verdict[]>;
  /** All, one round after the other. */
  rejudgeAll(options: RejudgeOptions): Promise<RejudgeResult>;
  /** Is told of what was judged. */
  onVerdicts(listen: (verdicts: readonly Verdict[]) => void): void;
  /** Ends rounds after the report that they are at, and waits for that. */
  settle(): Promise<void>;
}

export interface RejudgingOptions extends JudgeAnewOptions {
  readonly onChange?: (event: GateEvent) => void;
}

const pageSize = 25;

export function createRejudging(options: RejudgingOptions): Rejudging {
  const { store, log } = options;
  const listeners: ((verdicts: readonly Verdict[]) => void)[] = [];
  let lastRound: Promise<unknown> = Promise.resolve();
  /** The last judgement of each subject by itself that is under way. */
  const single = new Map<Digest, Promise<unknown>>();
  /** Subjects of the page under way that were begun again by themselves since: what the page says of them is older. */
  let overtaken = new Set<Digest>();
  let isEnding = false;

  const keep = async (all: readonly Judged[]): Promise<void> => {
    const verdicts = all.flatMap((each) => each.verdicts);
    await store.write({
      verdicts,
      audit: all.flatMap((each) => each.audit),
      findings: all.flatMap((each) => each.findings),
    });
    for (const listen of listeners) listen(verdicts);
    for (const event of all.flatMap((each) => each.events)) tell(options, event);
  };

  const round = async ({ progress, signal }: RejudgeOptions): Promise<RejudgeResult> => {
    const total = await store.countReports();
    let result: RejudgeResult = { judged: 0, changed: 0, failed: 0, isWhole: false };
    let after: Digest | undefined;
    for (;;) {
      const page = await store.subjects(after, pageSize);
      after = page.at(-1)?.digest;
      if (page.length === 0) return { ...result, isWhole: true };
      const judged = new Map<Digest, Judged>();
      overtaken = new Set();
      for (const subject of page) {
        if (isEnding || signal?.aborted) break;
        overtaken.delete(subject.digest);
        try {
          judged.set(subject.digest, await judgeAnew(options, subject));
        } catch (error) {
          result = { ...result, failed: result.failed + 1 };
          log.error(
            { digest: subject.digest, reason: messageOf(error) },
            'a report could not be judged anew',
          );
        }
        await nextTurn();
      }
      const newest = [...judged].flatMap(([digest, each]) => (overtaken.has(digest) ? [] : [each]));
      await keep(newest);
      const changed = newest.reduce((sum, { events }) => sum + events.length, result.changed);
      result = { ...result, judged: result.judged + judged.size, changed };
      progress?.(result.judged + result.failed, total);
      if (isEnding || signal?.aborted) return result;
    }
  };

  return {
    async rejudge(subject, namespace) {
      const { digest } = subject;
      // One after the other: who began earlier may have seen less, and must not have the last word.
      const before = single.get(digest);
      const judging = (async () => {
        await before?.catch(() => {});
        overtaken.add(digest);
        const judged = await judgeAnew(options, subject, namespace);
        await keep([judged]);
        return judged.verdicts;
      })();
      single.set(digest, judging);
      try {
        return await judging;
      } finally {
        if (single.get(digest) === judging) single.delete(digest);
      }
    },
    rejudgeAll(how) {
      const next = lastRound.then(() => round(how));
      lastRound = next.catch(() => {});
      return next;
    },
    onVerdicts(listen) {
      listeners.push(listen);
    },
    async settle() {
      isEnding = true;
      await lastRound;
    },
  };
}

function tell({ onChange, log }: RejudgingOptions, event: GateEvent): void {
  try {
    onChange?.(event);
  } catch (error) {
    log.error({ digest: event.after.digest, reason: messageOf(error) }, 'a listener to the gate failed');
  }
}
