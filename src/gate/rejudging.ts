/**
 * Judges stored reports again with the current advisories, policy and time, and reads nothing else. A long round takes one
 * report in each turn of the event loop, and writes a page of them in one transaction.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../blobs/index.ts';
import { messageOf } from '../lib/index.ts';
import type { GateEvent } from './changes.ts';
import type { EvidenceMarks } from './evidence-marks.ts';
import type { Verdict } from './judge/verdict.ts';
import { type JudgeAnewOptions, type Judged, judgeAnew } from './judge-anew.ts';
import type { Subject } from './store/types.ts';

export interface RejudgeOptions {
  readonly progress?: (done: number, total: number) => void;
  /** Ends the round between two reports; earlier judgements stay. */
  readonly signal?: AbortSignal;
}

export interface RejudgeResult {
  readonly judged: number;
  /** Verdicts for calls that became worse or better. */
  readonly changed: number;
  /** Reports that could not be judged; the log says why. */
  readonly failed: number;
  /** False when the round ended before the last report. */
  readonly isWhole: boolean;
}

export interface RejudgingOptions extends JudgeAnewOptions {
  readonly onChange?: (event: GateEvent) => void;
  readonly marks: EvidenceMarks;
  /** Receives the new verdicts once they are stored, and the mark of the time when their judgement began. */
  readonly learn: (verdicts: readonly Verdict[], mark: number) => void;
}

const pageSize = 25;

export class Rejudging {
  readonly #options: RejudgingOptions;
  #lastRound: Promise<unknown> = Promise.resolve();
  /** The latest single judgement under way for each subject. */
  readonly #single = new Map<Digest, Promise<unknown>>();
  /** Subjects of the current page that were judged singly in the meantime; their verdicts in the page are older. */
  #overtaken = new Set<Digest>();
  #isEnding = false;

  constructor(options: RejudgingOptions) {
    this.#options = options;
  }

  /** Judges one subject: every verdict of it, and the one for calls in this namespace. */
  async rejudge(subject: Subject, namespace?: string): Promise<readonly Verdict[]> {
    const { digest } = subject;
    // One after the other: an earlier judgement may have seen less, and must not overwrite a later one.
    const before = this.#single.get(digest);
    const judging = (async () => {
      await before?.catch(() => {});
      this.#overtaken.add(digest);
      const mark = this.#options.marks.now();
      const judged = await judgeAnew(this.#options, subject, namespace);
      await this.#keep([judged], mark);
      return judged.verdicts;
    })();
    this.#single.set(digest, judging);
    try {
      return await judging;
    } finally {
      if (this.#single.get(digest) === judging) this.#single.delete(digest);
    }
  }

  /** Judges all subjects; rounds run one after the other. */
  rejudgeAll(how: RejudgeOptions): Promise<RejudgeResult> {
    const next = this.#lastRound.then(() => this.#round(how));
    this.#lastRound = next.catch(() => {});
    return next;
  }

  /** Ends rounds after their current report, and waits for it. */
  async settle(): Promise<void> {
    this.#isEnding = true;
    await this.#lastRound;
  }

  async #round({ progress, signal }: RejudgeOptions): Promise<RejudgeResult> {
    const { store } = this.#options;
    const isOver = () => this.#isEnding || signal?.aborted === true;
    const total = await store.countReports();
    let result: RejudgeResult = { judged: 0, changed: 0, failed: 0, isWhole: false };
    let after: Digest | undefined;
    for (;;) {
      const page = await store.subjects(after, pageSize);
      after = page.at(-1)?.digest;
      if (page.length === 0) return { ...result, isWhole: true };
      const { judged, changed, failed } = await this.#judgePage(page, isOver);
      result = {
        ...{ judged: result.judged + judged, changed: result.changed + changed },
        ...{ failed: result.failed + failed, isWhole: false },
      };
      progress?.(result.judged + result.failed, total);
      if (isOver()) return result;
    }
  }

  async #judgePage(
    page: readonly Subject[],
    isOver: () => boolean,
  ): Promise<Pick<RejudgeResult, 'judged' | 'changed' | 'failed'>> {
    const judged = new Map<Digest, Judged>();
    let failed = 0;
    const mark = this.#options.marks.now();
    this.#overtaken = new Set();
    for (const subject of page) {
      if (isOver()) break;
      const { digest } = subject;
      this.#overtaken.delete(digest);
      try {
        judged.set(digest, await judgeAnew(this.#options, subject));
      } catch (error) {
        failed++;
        this.#options.log.error({ digest, reason: messageOf(error) }, 'could not judge a report again');
      }
      await nextTurn();
    }
    const newest = [...judged].flatMap(([digest, each]) => (this.#overtaken.has(digest) ? [] : [each]));
    await this.#keep(newest, mark);
    const changed = newest.reduce((sum, { events }) => sum + events.length, 0);
    return { judged: judged.size, changed, failed };
  }

  async #keep(all: readonly Judged[], mark: number): Promise<void> {
    const verdicts = all.flatMap((each) => each.verdicts);
    await this.#options.store.write({
      verdicts,
      audit: all.flatMap((each) => each.audit),
      findings: all.flatMap((each) => each.findings),
    });
    this.#options.learn(verdicts, mark);
    for (const event of all.flatMap((each) => each.events)) tell(this.#options, event);
  }
}

function tell({ onChange, log }: RejudgingOptions, event: GateEvent): void {
  try {
    onChange?.(event);
  } catch (error) {
    log.error(
      { digest: event.after.digest, reason: messageOf(error) },
      'a listener to the gate’s events failed',
    );
  }
}
