/**
 * Verdicts for calls: asked thousands of times a second, so they come from memory, and only what is not there from the
 * store. One that was made with another policy, other advisories or other VEX than there are now is never given: who asks
 * waits until it was judged anew.
 */
import { BoundedMap, type Log, messageOf } from '../lib/index.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import type { Policy } from './policy/policy.ts';
import { isSameRevisions, type Revisions, revisionsOf } from './revisions.ts';
import type { GateStore, Subject } from './store/types.ts';

export interface RunVerdictsOptions {
  readonly store: Pick<GateStore, 'verdict'>;
  readonly policy: () => Policy;
  readonly revisions: () => Revisions;
  readonly clock: () => number;
  readonly log: Log;
  /** Judges all verdicts of a subject anew, and the one for calls in this namespace; none without a report. */
  readonly judgeAnew: (subject: Subject, namespace: string) => Promise<readonly Verdict[]>;
}

interface Kept {
  readonly verdict: Verdict;
  readonly revisions: Revisions;
  /** Epoch milliseconds. */
  readonly freshUntil: number;
}

/** Which verdict: the subject's digest and the namespace make the key. */
interface Wanted {
  readonly key: string;
  readonly subject: Subject;
  readonly namespace: string;
}

const mostKept = 10_000;
/** Ignore entries end, grace runs out, advisories age: an older verdict is given once more and then judged anew. */
const freshForMs = 600_000;

export class RunVerdicts {
  readonly #options: RunVerdictsOptions;
  readonly #kept = new BoundedMap<string, Kept>(mostKept);
  /** Looked for in the store. */
  readonly #sought = new Map<string, Promise<Verdict>>();
  readonly #judged = new Map<string, Promise<Verdict>>();

  constructor(options: RunVerdictsOptions) {
    this.#options = options;
  }

  /** At once where it is in memory. Never rejects: what can't be judged is denied. */
  get(subject: Subject, namespace: string): Verdict | Promise<Verdict> {
    const wanted = { key: keyFor(subject, namespace), subject, namespace };
    const known = this.#kept.get(wanted.key);
    if (known !== undefined) return this.#given(wanted, known);
    return single(this.#sought, wanted.key, () => this.#seek(wanted));
  }

  /** Takes up what was judged; an older verdict does not replace a newer one. */
  learn(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      if (verdict.stage !== 'run' || verdict.digest === undefined) continue;
      const key = keyOf(verdict.digest, verdict.namespace);
      const known = this.#kept.get(key);
      if (known === undefined || known.verdict.judgedAt <= verdict.judgedAt) this.#keep(key, verdict);
    }
  }

  /** Waits for what is being looked for and judged anew. */
  async settle(): Promise<void> {
    await Promise.all(this.#sought.values());
    await Promise.all(this.#judged.values());
  }

  #given(wanted: Wanted, { verdict, revisions, freshUntil }: Kept): Verdict | Promise<Verdict> {
    if (!isSameRevisions(revisions, this.#options.revisions())) return this.#judgedAnew(wanted);
    if (this.#options.clock() > freshUntil) void this.#judgedAnew(wanted);
    return verdict;
  }

  async #seek(wanted: Wanted): Promise<Verdict> {
    const { key, subject, namespace } = wanted;
    try {
      const stored = await this.#options.store.verdict(subject.digest, 'run', namespace);
      // One that was learned meanwhile is newer.
      const known = this.#kept.get(key) ?? (stored === undefined ? undefined : this.#keep(key, stored));
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
    try {
      const judged = await this.#options.judgeAnew(subject, namespace);
      const found = judged.find((each) => each.stage === 'run' && each.namespace === namespace);
      if (found !== undefined) return this.#keep(key, found).verdict;
      return this.#keep(key, this.#withoutReport(wanted), now).verdict;
    } catch (error) {
      return this.#unjudged(wanted, error);
    }
  }

  #unjudged(wanted: Wanted, error: unknown): Verdict {
    const { digest } = wanted.subject;
    this.#options.log.error({ digest, reason: messageOf(error) }, 'could not judge again');
    return this.#withoutReport(wanted, 'it could not be judged');
  }

  #withoutReport({ subject, namespace }: Wanted, failure?: string): Verdict {
    const { policy, clock } = this.#options;
    return judge(policy(), { ...subject, stage: 'run', namespace, report: undefined, failure, now: clock() });
  }

  #keep(key: string, verdict: Verdict, revisions = revisionsOf(verdict)): Kept {
    const kept = { verdict, revisions, freshUntil: Date.parse(verdict.judgedAt) + freshForMs };
    this.#kept.set(key, kept);
    return kept;
  }
}

/** What is under way for the key, or what `start` begins. */
function single<T>(underWay: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const before = underWay.get(key);
  if (before !== undefined) return before;
  const done = start().finally(() => underWay.delete(key));
  underWay.set(key, done);
  return done;
}

/** Who asks for every call keeps its subjects, so their keys are put together once. */
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
