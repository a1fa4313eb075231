/**
 * Verdicts for calls: asked thousands of times a second, so they come from memory. One that was made with another policy,
 * other advisories or other VEX than there are now is never given: who asks waits until it was judged anew.
 */
import { type Log, messageOf } from '../lib/index.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import type { Policy } from './policy/policy.ts';
import { isSameRevisions, type Revisions, revisionsOf } from './revisions.ts';
import type { GateStore, Subject } from './store/gate-store.ts';

export interface RunVerdicts {
  /** At once where it is known. Never rejects: what can't be judged is denied. */
  get(subject: Subject, namespace: string): Verdict | Promise<Verdict>;
  /** Takes up what was judged. */
  learn(verdicts: readonly Verdict[]): void;
  /** Waits for what is being judged anew. */
  settle(): Promise<void>;
}

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

const mostKept = 10_000;
/** Ignore entries end, grace runs out, advisories age: an older verdict is given once more and then judged anew. */
const freshForMs = 600_000;

export function createRunVerdicts(options: RunVerdictsOptions): RunVerdicts {
  const { store, policy, revisions, clock, log } = options;
  const verdicts = new Map<string, Kept>();
  const judging = new Map<string, Promise<Verdict>>();

  const keep = (key: string, verdict: Verdict, madeWith = revisionsOf(verdict)): Kept => {
    const oldest = verdicts.size >= mostKept ? verdicts.keys().next().value : undefined;
    if (oldest !== undefined) verdicts.delete(oldest);
    const kept = { verdict, revisions: madeWith, freshUntil: Date.parse(verdict.judgedAt) + freshForMs };
    verdicts.set(key, kept);
    return kept;
  };
  const withoutReport = (subject: Subject, namespace: string, failure?: string) =>
    judge(policy(), { ...subject, stage: 'run', namespace, report: undefined, failure, now: clock() });
  const judgeNow = async (key: string, subject: Subject, namespace: string): Promise<Verdict> => {
    const now = revisions();
    try {
      const judged = await options.judgeAnew(subject, namespace);
      const found = judged.find((each) => each.stage === 'run' && each.namespace === namespace);
      if (found !== undefined) return keep(key, found).verdict;
      return keep(key, withoutReport(subject, namespace), now).verdict;
    } catch (error) {
      log.error({ digest: subject.digest, reason: messageOf(error) }, 'not judged anew');
      return withoutReport(subject, namespace, 'it could not be judged');
    }
  };
  const awaited = (key: string, subject: Subject, namespace: string): Promise<Verdict> => {
    const under = judging.get(key);
    if (under !== undefined) return under;
    const done = judgeNow(key, subject, namespace).finally(() => judging.delete(key));
    judging.set(key, done);
    return done;
  };
  const fromStore = (key: string, subject: Subject, namespace: string): Kept | undefined => {
    const stored = store.verdict(subject.digest, 'run', namespace);
    return stored === undefined ? undefined : keep(key, stored);
  };

  return {
    get(subject, namespace) {
      const key = keyFor(subject, namespace);
      const known = verdicts.get(key) ?? fromStore(key, subject, namespace);
      if (known === undefined || !isSameRevisions(known.revisions, revisions()))
        return awaited(key, subject, namespace);
      if (clock() > known.freshUntil) void awaited(key, subject, namespace);
      return known.verdict;
    },
    learn(judged) {
      for (const verdict of judged) {
        if (verdict.stage !== 'run' || verdict.digest === undefined) continue;
        keep(keyOf(verdict.digest, verdict.namespace), verdict);
      }
    },
    async settle() {
      await Promise.all(judging.values());
    },
  };
}

/** Whoever asks for every call keeps its subjects, so their keys are put together once. */
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
