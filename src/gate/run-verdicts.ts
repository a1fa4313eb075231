/**
 * Verdicts for calls. Callers ask thousands of times a second, so answers come from memory, and from the store only when
 * memory has none. It never returns a verdict of an older policy, older advisories or older VEX, or from before another server
 * changed what is attached to the image: callers wait for a new one.
 */
import { BoundedMap, isTemporary, type Log, messageOf } from '../lib/index.ts';
import type { EvidenceMarks } from './evidence-marks.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import type { Policy } from './policy/policy.ts';
import { isSameRevisions, type Revisions, revisionsOf } from './revisions.ts';
import type { GateStore, Subject } from './store/types.ts';

export interface RunVerdictsOptions {
  readonly store: Pick<GateStore, 'verdict'>;
  readonly policy: () => Policy;
  readonly revisions: () => Revisions;
  readonly marks: EvidenceMarks;
  readonly clock: () => number;
  readonly log: Log;
  /** Makes all verdicts of a subject again, and the one for calls in this namespace. Makes none if there is no report. */
  readonly judgeAnew: (subject: Subject, namespace: string) => Promise<readonly Verdict[]>;
}

interface Kept {
  readonly verdict: Verdict;
  readonly revisions: Revisions;
  /** Of `EvidenceMarks`. */
  readonly mark: number;
  /** Epoch milliseconds. */
  readonly freshUntil: number;
}

/** Names a verdict: the subject's digest and the namespace make the key. */
interface Wanted {
  readonly key: string;
  readonly subject: Subject;
  readonly namespace: string;
}

const mostKept = 10_000;
/** Ignore entries expire, grace ends and advisories age: an older verdict is returned once more while a new one is made. */
const freshForMs = 600_000;

export class RunVerdicts {
  readonly #options: RunVerdictsOptions;
  readonly #kept = new BoundedMap<string, Kept>(mostKept);
  /** Reads from the store under way. */
  readonly #sought = new Map<string, Promise<Verdict>>();
  readonly #judged = new Map<string, Promise<Verdict>>();

  constructor(options: RunVerdictsOptions) {
    this.#options = options;
  }

  /**
   * Answers from memory at once. Denies what it can't judge, except for trouble that passes, such as a database that does
   * not answer: its promise then rejects.
   */
  get(subject: Subject, namespace: string): Verdict | Promise<Verdict> {
    const wanted = { key: keyFor(subject, namespace), subject, namespace };
    const known = this.#kept.get(wanted.key);
    if (known !== undefined) return this.#given(wanted, known);
    return single(this.#sought, wanted.key, () => this.#seek(wanted));
  }

  /**
   * Takes new verdicts into memory; an older verdict does not replace a newer one.
   * @param mark from when their judgement began
   */
  learn(verdicts: readonly Verdict[], mark: number): void {
    for (const verdict of verdicts) {
      if (verdict.stage !== 'run' || verdict.digest === undefined) continue;
      const key = keyOf(verdict.digest, verdict.namespace);
      const known = this.#kept.get(key);
      if (known === undefined || known.verdict.judgedAt <= verdict.judgedAt) this.#keep(key, verdict, mark);
    }
  }

  /** Waits for reads and judgements under way. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#sought.values());
    await Promise.allSettled(this.#judged.values());
  }

  #given(wanted: Wanted, { verdict, revisions, mark, freshUntil }: Kept): Verdict | Promise<Verdict> {
    const { kind, digest } = wanted.subject;
    const isCurrent = kind !== 'image' || this.#options.marks.isCurrent(digest, mark);
    if (!isCurrent || !isSameRevisions(revisions, this.#options.revisions())) return this.#judgedAnew(wanted);
    // A failure is in the log.
    if (this.#options.clock() > freshUntil) this.#judgedAnew(wanted).catch(() => undefined);
    return verdict;
  }

  async #seek(wanted: Wanted): Promise<Verdict> {
    const { key, subject, namespace } = wanted;
    const mark = this.#options.marks.ofStored(subject.digest);
    try {
      const stored = await this.#options.store.verdict(subject.digest, 'run', namespace);
      // A verdict that was learned in the meantime is newer.
      const known = this.#kept.get(key) ?? (stored === undefined ? undefined : this.#keep(key, stored, mark));
      return await (known === undefined ? this.#judgedAnew(wanted) : this.#given(wanted, known));
    } catch (error) {
      return this.#unjudged(wanted, error);
    }
  }

  #judgedAnew(wanted: Wanted): Promise<Verdict> {
    return single(this.#judged, wanted.key, () => this.#judgeNow(wanted));
  }

  async #judgeNow(wanted: Wanted): Promise<Verdict> {
    const { key, subject, namespace } = wanted;
    const now = this.#options.revisions();
    const mark = this.#options.marks.now();
    try {
      const judged = await this.#options.judgeAnew(subject, namespace);
      const found = judged.find((each) => each.stage === 'run' && each.namespace === namespace);
      if (found !== undefined) return this.#keep(key, found, mark).verdict;
      return this.#keep(key, this.#withoutReport(wanted), mark, now).verdict;
    } catch (error) {
      return this.#unjudged(wanted, error);
    }
  }

  #unjudged(wanted: Wanted, error: unknown): Verdict {
    const { digest } = wanted.subject;
    this.#options.log.error({ digest, reason: messageOf(error) }, 'could not judge again');
    if (isTemporary(error)) throw error;
    return this.#withoutReport(wanted, 'it could not be judged');
  }

  #withoutReport({ subject, namespace }: Wanted, failure?: string): Verdict {
    const { policy, clock } = this.#options;
    return judge(policy(), { ...subject, stage: 'run', namespace, report: undefined, failure, now: clock() });
  }

  #keep(key: string, verdict: Verdict, mark: number, revisions = revisionsOf(verdict)): Kept {
    const kept = { verdict, revisions, mark, freshUntil: Date.parse(verdict.judgedAt) + freshForMs };
    this.#kept.set(key, kept);
    return kept;
  }
}

/** Returns the promise under way for the key, or starts one. */
function single<T>(underWay: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const before = underWay.get(key);
  if (before !== undefined) return before;
  const done = start().finally(() => underWay.delete(key));
  underWay.set(key, done);
  return done;
}

/** The caller keeps its subjects between calls, so each key is built once. */
const keys = new WeakMap<Subject, Map<string, string>>();

function keyFor(subject: Subject, namespace: string): string {
  let ofSubject = keys.get(subject);
  if (ofSubject === undefined) {
    ofSubject = new Map();
    keys.set(subject, ofSubject);
  }
  let key = ofSubject.get(namespace);
  if (key === undefined) {
    key = keyOf(subject.digest, namespace);
    ofSubject.set(namespace, key);
  }
  return key;
}

function keyOf(digest: string, namespace: string): string {
  return `${digest} ${namespace}`;
}
