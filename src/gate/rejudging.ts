/**
 * Judges again what was scanned before, with the advisories, the policy and the time of now. Nothing is read again but
 * the stored report. A long round is cut up: a report in a turn, a page of them in a transaction.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../images/index.ts';
import { messageOf } from '../lib/index.ts';
import type { Report, Scanner } from '../scanner/index.ts';
import { changeBetween, type GateEvent } from './changes.ts';
import { collectEvidence, type EvidenceSources } from './evidence.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import type { Policy } from './policy/policy.ts';
import type { Stage } from './policy/rules-schema.ts';
import type { AuditDraft } from './store/audit-entry.ts';
import type { GateStore, PackedFindings, Subject } from './store/gate-store.ts';
import type { VexStatement } from './vex/statement.ts';
import { applyVex } from './vex/vex.ts';

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
}

export interface Rejudging {
  /** One subject: all verdicts that there are of it, and the one for calls in this namespace. */
  rejudge(subject: Subject, namespace?: string): Promise<void>;
  /** All, one round after the other. */
  rejudgeAll(options: RejudgeOptions): Promise<RejudgeResult>;
  /** Is told of what was judged. */
  onVerdicts(listen: (verdicts: readonly Verdict[]) => void): void;
  settle(): Promise<void>;
}

export interface RejudgingOptions extends EvidenceSources {
  readonly policy: () => Policy;
  readonly store: GateStore;
  readonly scanner: Pick<Scanner, 'rejudge'>;
  readonly reportAt?: (subject: Subject) => string | undefined;
  readonly onChange?: (event: GateEvent) => void;
  readonly clock: () => number;
}

/** What judging one subject leads to. */
interface Judged {
  readonly verdicts: readonly (Verdict & { readonly digest: Digest })[];
  readonly audit: readonly AuditDraft[];
  readonly findings: readonly PackedFindings[];
  readonly events: readonly GateEvent[];
}

const pageSize = 25;
const actor = 'rejudging';

export function createRejudging(options: RejudgingOptions): Rejudging {
  const { store, log } = options;
  const listeners: ((verdicts: readonly Verdict[]) => void)[] = [];
  let lastRound: Promise<unknown> = Promise.resolve();

  const keep = (all: readonly Judged[]) => {
    const verdicts = all.flatMap((each) => each.verdicts);
    store.write({
      verdicts,
      audit: all.flatMap((each) => each.audit),
      findings: all.flatMap((each) => each.findings),
    });
    for (const listen of listeners) listen(verdicts);
    for (const event of all.flatMap((each) => each.events)) tell(options, event);
  };

  const round = async ({ progress, signal }: RejudgeOptions): Promise<RejudgeResult> => {
    const total = store.countReports();
    const statements = await options.vex();
    let result: RejudgeResult = { judged: 0, changed: 0, failed: 0 };
    let after: Digest | undefined;
    for (;;) {
      const page = store.subjects(after, pageSize);
      after = page.at(-1)?.digest;
      if (page.length === 0) return result;
      const judged: Judged[] = [];
      for (const subject of page) {
        if (signal?.aborted) break;
        try {
          judged.push(await judgeAnew(options, subject, statements));
        } catch (error) {
          result = { ...result, failed: result.failed + 1 };
          log.error(
            { digest: subject.digest, reason: messageOf(error) },
            'a report could not be judged anew',
          );
        }
        await nextTurn();
      }
      keep(judged);
      const changed = judged.reduce((sum, { events }) => sum + events.length, result.changed);
      result = { ...result, judged: result.judged + judged.length, changed };
      progress?.(result.judged + result.failed, total);
      if (signal?.aborted) return result;
    }
  };

  return {
    async rejudge(subject, namespace) {
      keep([await judgeAnew(options, subject, await options.vex(), namespace)]);
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
      await lastRound;
    },
  };
}

async function judgeAnew(
  options: RejudgingOptions,
  subject: Subject,
  statements: readonly VexStatement[],
  namespace?: string,
): Promise<Judged> {
  const { store, scanner, clock } = options;
  const nothing = { verdicts: [], audit: [], findings: [], events: [] };
  const stored = await store.report(subject.digest);
  if (stored === undefined) return nothing;
  const report = scanner.rejudge(stored.report);
  const policy = options.policy();
  const evidence = await collectEvidence(options, subject, policy);
  const common = {
    ...evidence,
    ...subject,
    report: applyVex(report, statements),
    reportAt: options.reportAt?.(subject),
    now: clock(),
  };
  const known = store.verdicts(subject.digest);
  const pairs = known.map((before) => ({ stage: before.stage, namespace: before.namespace, before }));
  const isKnown = pairs.some((each) => each.stage === 'run' && each.namespace === namespace);
  const asked: readonly Pair[] =
    namespace === undefined || isKnown ? pairs : [...pairs, { stage: 'run', namespace, before: undefined }];
  const judged = asked.map((pair) => ({
    before: pair.before,
    after: { ...judge(policy, { ...common, ...pair }), digest: subject.digest },
  }));
  const compared = judged.map((each) => ({
    ...each,
    change: each.before === undefined ? undefined : changeBetween(each.before, each.after),
  }));
  const isSame = JSON.stringify(report.findings) === JSON.stringify(stored.report.findings);
  const isCurrent = report.advisories?.revision === stored.report.advisories?.revision;
  return {
    verdicts: judged.map(({ after }) => after),
    audit: compared.flatMap(({ after, change }) =>
      change === undefined ? [] : [auditOf(after, change, report)],
    ),
    findings: isSame && isCurrent ? [] : [await packed(store, stored.report, report, subject.digest)],
    events: compared.flatMap(({ after, change }) =>
      change === undefined || after.stage !== 'run' ? [] : [change],
    ),
  };
}

interface Pair {
  readonly stage: Stage;
  readonly namespace: string;
  readonly before: Verdict | undefined;
}

/** The time of the scan stays: by it a newer scan is told from what is judged anew. */
function packed(store: GateStore, before: Report, after: Report, digest: Digest): Promise<PackedFindings> {
  return store.packFindings({ ...after, scannedAt: before.scannedAt }, digest);
}

function auditOf(
  verdict: Verdict & { readonly digest: Digest },
  { type }: GateEvent,
  { target }: Report,
): AuditDraft {
  const { digest, stage, namespace, outcome, summary, policyRevision, advisoryRevision, judgedAt } = verdict;
  const revisions = { policyRevision, advisoryRevision };
  const entry = { digest, stage, namespace, outcome, summary, name: target.name };
  return { time: judgedAt, event: type, actor, ...entry, ...revisions };
}

function tell({ onChange, log }: RejudgingOptions, event: GateEvent): void {
  try {
    onChange?.(event);
  } catch (error) {
    log.error({ digest: event.after.digest, reason: messageOf(error) }, 'a listener to the gate failed');
  }
}
