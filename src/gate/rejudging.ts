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

export interface RejudgingOptions extends JudgeAnewOptions {
  readonly onChange?: (event: GateEvent) => void;
  /** Is told of what was judged, once it is stored. */
  readonly learn: (verdicts: readonly Verdict[]) => void;
}

const pageSize = 25;

export class Rejudging {
  readonly #options: RejudgingOptions;
  #lastRound: Promise<unknown> = Promise.resolve();
  /** The last judgement of each subject by itself that is under way. */
  readonly #single = new Map<Digest, Promise<unknown>>();
  /** Subjects of the page under way that were begun again by themselves since: what the page says of them is older. */
  #overtaken = new Set<Digest>();
  #isEnding = false;

  constructor(options: RejudgingOptions) {
    this.#options = options;
  }

  /** One subject: all verdicts that there are of it, and the one for calls in this namespace. */
  async rejudge(subject: Subject, namespace?: string): Promise<readonly Verdict[]> {
    const { digest } = subject;
    // One after the other: who began earlier may have seen less, and must not have the last word.
    const before = this.#single.get(digest);
    const judging = (async () => {
      await before?.catch(() => {});
      this.#overtaken.add(digest);
      const judged = await judgeAnew(this.#options, subject, namespace);
      await this.#keep([judged]);
      return judged.verdicts;
    })();
    this.#single.set(digest, judging);
    try {
      return await judging;
    } finally {
      if (this.#single.get(digest) === judging) this.#single.delete(digest);
    }
  }

  /** All, one round after the other. */
  rejudgeAll(how: RejudgeOptions): Promise<RejudgeResult> {
    const next = this.#lastRound.then(() => this.#round(how));
    this.#lastRound = next.catch(() => {});
    return next;
  }

  /** Ends rounds after the report that they are at, and waits for that. */
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
    await this.#keep(newest);
    const changed = newest.reduce((sum, { events }) => sum + events.length, 0);
    return { judged: judged.size, changed, failed };
  }

  async #keep(all: readonly Judged[]): Promise<void> {
    const verdicts = all.flatMap((each) => each.verdicts);
    await this.#options.store.write({
      verdicts,
      audit: all.flatMap((each) => each.audit),
      findings: all.flatMap((each) => each.findings),
    });
    this.#options.learn(verdicts);
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
