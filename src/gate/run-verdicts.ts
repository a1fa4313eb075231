/** Verdicts for calls: asked thousands of times a second, so they come from memory. */
import { type Log, messageOf } from '../lib/index.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import type { Policy } from './policy/policy.ts';
import type { GateStore, Subject } from './store/gate-store.ts';

export interface RunVerdicts {
  get(subject: Subject, namespace: string): Verdict;
  /** Takes up what was judged. */
  learn(verdicts: readonly Verdict[]): void;
  /** Waits for what is being judged anew. */
  settle(): Promise<void>;
}

export interface RunVerdictsOptions {
  readonly store: Pick<GateStore, 'verdict'>;
  readonly policy: () => Policy;
  readonly clock: () => number;
  readonly log: Log;
  /** Judges all verdicts of a subject anew, and one for each of these namespaces. */
  readonly refresh: (subject: Subject, namespace: string) => Promise<unknown>;
}

interface Kept {
  readonly verdict: Verdict;
  /** Epoch milliseconds. */
  readonly freshUntil: number;
}

const mostKept = 10_000;
/** Ignore entries end, grace runs out, advisories age: an older verdict is given once more and then judged anew. */
const freshForMs = 600_000;

export function createRunVerdicts(options: RunVerdictsOptions): RunVerdicts {
  const { store, policy, clock, log } = options;
  const verdicts = new Map<string, Kept>();
  const refreshing = new Map<string, Promise<void>>();

  const keep = (key: string, verdict: Verdict): Kept => {
    const oldest = verdicts.size >= mostKept ? verdicts.keys().next().value : undefined;
    if (oldest !== undefined) verdicts.delete(oldest);
    const kept = { verdict, freshUntil: Date.parse(verdict.judgedAt) + freshForMs };
    verdicts.set(key, kept);
    return kept;
  };
  const unscanned = (subject: Subject, namespace: string) =>
    judge(policy(), { ...subject, stage: 'run', namespace, report: undefined, now: clock() });
  const refresh = (key: string, subject: Subject, namespace: string) => {
    if (refreshing.has(key)) return;
    const done = options
      .refresh(subject, namespace)
      .then(() => {
        const stored = store.verdict(subject.digest, 'run', namespace);
        keep(key, stored ?? unscanned(subject, namespace));
      })
      .catch((error) => log.error({ digest: subject.digest, reason: messageOf(error) }, 'not judged anew'))
      .finally(() => refreshing.delete(key));
    refreshing.set(key, done);
  };
  const isStale = ({ verdict, freshUntil }: Kept) =>
    verdict.policyRevision !== policy().revision || clock() > freshUntil;

  return {
    get(subject, namespace) {
      const key = keyOf(subject.digest, namespace);
      const known = verdicts.get(key);
      if (known !== undefined) {
        if (isStale(known)) refresh(key, subject, namespace);
        return known.verdict;
      }
      const stored = store.verdict(subject.digest, 'run', namespace);
      const kept = keep(key, stored ?? unscanned(subject, namespace));
      if (stored === undefined || isStale(kept)) refresh(key, subject, namespace);
      return kept.verdict;
    },
    learn(judged) {
      for (const verdict of judged) {
        if (verdict.stage !== 'run' || verdict.digest === undefined) continue;
        keep(keyOf(verdict.digest, verdict.namespace), verdict);
      }
    },
    async settle() {
      await Promise.all(refreshing.values());
    },
  };
}

function keyOf(digest: string, namespace: string): string {
  return `${digest} ${namespace}`;
}
