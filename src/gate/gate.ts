/**
 * The gate at its three points: push, deploy, run. It has reports made, judges them by the current policy, and keeps
 * verdicts and the audit log. What can't be scanned in time, or at all, is judged by the rule `unscanned`.
 */
import { type Digest, digestOf } from '../blobs/index.ts';
import { isFault, type Log, matchesPattern, messageOf } from '../lib/index.ts';
import type { ArtifactSource, ImageSource, Report, Scanner, ScanOptions } from '../scanner/index.ts';
import { catchUp } from './catching-up.ts';
import type { GateEvent } from './changes.ts';
import { type EvidenceSources, weigh } from './evidence.ts';
import { gateFault } from './faults.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import { plainText } from './plain-text.ts';
import { type Policy, rulesFor } from './policy/policy.ts';
import type { Action, Stage } from './policy/rules-schema.ts';
import { forgetRefused } from './refused-reports.ts';
import { type RejudgeOptions, type RejudgeResult, Rejudging } from './rejudging.ts';
import type { Revisions } from './revisions.ts';
import { RunVerdicts } from './run-verdicts.ts';
import { createScans, type ScanLimits, type Scans } from './scans.ts';
import type { GateStore, Subject } from './store/types.ts';
import { artifactSubject, codeSubject, imageSubject } from './subject.ts';

export interface GateOptions extends EvidenceSources {
  /** The current policy. */
  readonly policy: () => Policy;
  /** Of the current policy, advisories and VEX. */
  readonly revisions: () => Revisions;
  readonly store: GateStore;
  readonly scanner: Pick<Scanner, 'scanImage' | 'scanArtifact' | 'scanCode' | 'rejudge'>;
  /** Where a reader finds the report of a subject: goes into refusals. */
  readonly reportAt?: (subject: Subject) => string | undefined;
  /** Something that runs became worse or better. What it throws is logged. */
  readonly onChange?: (event: GateEvent) => void;
  readonly log: Log;
  readonly scans?: Partial<ScanLimits>;
  /** Epoch milliseconds. */
  readonly clock?: () => number;
}

/** For whom, and who asks. */
interface Request {
  readonly namespace: string;
  /** For the audit log: the id of a key, a component of Ward. */
  readonly actor: string;
}

export interface Gate {
  /** Scans an image that is being pushed. @throws Fault GATE_BUSY, GATE_STOPPING, GATE_STORE_FAILED */
  admitImage(request: Request & { readonly image: ImageSource }): Promise<Verdict>;
  /**
   * Scans what is pushed and is not an image, unless the policy lets its kind in unlooked at.
   * @throws Fault GATE_BUSY, GATE_STOPPING, GATE_STORE_FAILED
   */
  admitArtifact(
    request: Request & { readonly artifact: ArtifactSource; readonly artifactType: string },
  ): Promise<Verdict>;
  /** Judges an image that is being pushed and can't be scanned, `why` is for people. @throws Fault GATE_STOPPING, GATE_STORE_FAILED */
  admitUnreadable(
    request: Request & { readonly name: string; readonly digest: Digest; readonly why: string },
  ): Promise<Verdict>;
  /** Scans code that is being deployed. @throws Fault GATE_BUSY, GATE_STOPPING, GATE_STORE_FAILED */
  admitCode(
    request: Request & { readonly action: string; readonly code: Uint8Array; readonly kind: string },
  ): Promise<Verdict>;
  /** Judges an image that is being deployed by its stored report and the current advisories. */
  admitDeploy(request: Request & { readonly action: string; readonly digest: Digest }): Promise<Verdict>;
  /** The consequence of deploying an action whose image is not here. */
  absentImage(namespace: string): Action;
  /** May it be called? At once, from memory; a promise where it has to be judged first. */
  mayRun(subject: Subject, namespace: string): Verdict | Promise<Verdict>;
  /** What lies beside an image is not what it was: it is judged anew. Never rejects. */
  evidenceChanged(digest: Digest): Promise<void>;
  /** Judges all stored reports anew, a few in a turn. */
  rejudgeAll(options?: RejudgeOptions): Promise<RejudgeResult>;
  /**
   * The same when policy, advisories or VEX are others than those with which it was done last, in this process or in one
   * before; then the audit log tells of the change. Undefined: nothing was to be done.
   */
  catchUp(options?: RejudgeOptions): Promise<RejudgeResult | undefined>;
  /** Drops reports of what was refused, and is nowhere here, when their time is over. Returns how many. */
  forgetRefused(): Promise<number>;
  /** The report with what VEX says of it. */
  report(digest: Digest): Promise<Report | undefined>;
  /** Gives up scans under way, whose askers are told to come again, and waits for what is being judged. */
  close(): Promise<void>;
}

const defaultScans: ScanLimits = { concurrent: 2, waiting: 100, timeoutMs: 600_000 };

export function createGate(options: GateOptions): Gate {
  return new ScanningGate({ clock: Date.now, ...options });
}

class ScanningGate implements Gate {
  readonly #options: GateOptions & Required<Pick<GateOptions, 'clock'>>;
  readonly #scans: Scans;
  readonly #rejudging: Rejudging;
  readonly #runVerdicts: RunVerdicts;
  /** What `close` waits for. */
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: GateOptions & Required<Pick<GateOptions, 'clock'>>) {
    this.#options = options;
    this.#scans = createScans({ ...defaultScans, ...options.scans });
    this.#rejudging = new Rejudging({ ...options, learn: (verdicts) => this.#runVerdicts.learn(verdicts) });
    this.#runVerdicts = new RunVerdicts({
      ...options,
      judgeAnew: (subject, namespace) => this.#rejudging.rejudge(subject, namespace),
    });
  }

  admitImage(request: Request & { readonly image: ImageSource }): Promise<Verdict> {
    const { image } = request;
    const { store, scanner } = this.#options;
    return this.#tracked(async () => {
      const subject = imageSubject(image.digest);
      const result = await this.#scanned(subject, (scan) => scanner.scanImage(image, scan));
      const verdict = await this.#conclude(subject, ['push'], request, image.name, result);
      // A scan with newer rules may have found more in what is judged already for others.
      const isNews = result.report !== undefined && (await store.verdicts(subject.digest)).length > 1;
      if (isNews) await this.#rejudging.rejudge(subject);
      return verdict;
    });
  }

  admitArtifact(
    request: Request & { readonly artifact: ArtifactSource; readonly artifactType: string },
  ): Promise<Verdict> {
    const { artifact, artifactType, namespace } = request;
    const { policy, scanner } = this.#options;
    return this.#tracked(async () => {
      const subject = artifactSubject(artifact.digest);
      const { exempt } = rulesFor(policy(), namespace, 'push').artifacts;
      const isExempt = exempt.some((pattern) => matchesPattern(pattern, artifactType));
      const result = isExempt
        ? { exempt: plainText(artifactType, 100) }
        : await this.#scanned(subject, (scan) => scanner.scanArtifact(artifact, scan));
      return this.#conclude(subject, ['push'], request, artifact.name, result);
    });
  }

  admitUnreadable(
    request: Request & { readonly name: string; readonly digest: Digest; readonly why: string },
  ): Promise<Verdict> {
    const { name, digest, why } = request;
    const unread = plainText(why, 300);
    return this.#tracked(() => this.#conclude(imageSubject(digest), ['push'], request, name, { unread }));
  }

  admitCode(
    request: Request & { readonly action: string; readonly code: Uint8Array; readonly kind: string },
  ): Promise<Verdict> {
    const { code, kind, action } = request;
    const { scanner } = this.#options;
    return this.#tracked(async () => {
      const subject = codeSubject(digestOf(code), kind);
      const result = await this.#scanned(subject, (scan) =>
        scanner.scanCode(code, { name: action, kind }, scan),
      );
      return this.#conclude(subject, ['deploy', 'run'], request, action, result);
    });
  }

  admitDeploy(request: Request & { readonly action: string; readonly digest: Digest }): Promise<Verdict> {
    const { store, scanner } = this.#options;
    return this.#tracked(async () => {
      const subject = imageSubject(request.digest);
      const stored = await store.report(subject.digest);
      const report = stored === undefined ? undefined : await scanner.rejudge(stored.report);
      return this.#conclude(subject, ['deploy', 'run'], request, request.action, { report });
    });
  }

  absentImage(namespace: string): Action {
    return rulesFor(this.#options.policy(), namespace, 'deploy').absentImage;
  }

  mayRun(subject: Subject, namespace: string): Verdict | Promise<Verdict> {
    return this.#runVerdicts.get(subject, namespace);
  }

  async evidenceChanged(digest: Digest): Promise<void> {
    try {
      await this.#tracked(() => this.#rejudging.rejudge(imageSubject(digest)));
    } catch (error) {
      this.#options.log.error({ digest, reason: messageOf(error) }, 'could not judge again');
    }
  }

  rejudgeAll(how: RejudgeOptions = {}): Promise<RejudgeResult> {
    return this.#rejudging.rejudgeAll(how);
  }

  catchUp(how: RejudgeOptions = {}): Promise<RejudgeResult | undefined> {
    return catchUp({ ...this.#options, rejudgeAll: (each) => this.#rejudging.rejudgeAll(each) }, how);
  }

  forgetRefused(): Promise<number> {
    return this.#tracked(() => forgetRefused(this.#options, this.#options.clock()));
  }

  report(digest: Digest): Promise<Report | undefined> {
    const { store, policy } = this.#options;
    return this.#tracked(async () => {
      const stored = await store.report(digest);
      if (stored === undefined) return undefined;
      return (await weigh(this.#options, stored.subject, policy(), stored.report)).report;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#scans.end();
    await Promise.allSettled(this.#underWay);
    await this.#runVerdicts.settle();
    await this.#rejudging.settle();
  }

  async #tracked<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed)
      throw gateFault('GATE_STOPPING', 'Ward is being stopped', { hint: 'try again in a minute' });
    const done = work();
    this.#underWay.add(done);
    try {
      return await done;
    } finally {
      this.#underWay.delete(done);
    }
  }

  async #scanned(subject: Subject, start: (scan: ScanOptions) => Promise<Report>): Promise<Scanned> {
    const { store, log } = this.#options;
    try {
      const report = await this.#scans.scan(subject.digest, async (signal) => {
        const fresh = await start({ signal });
        await store.putReport(subject, fresh);
        return fresh;
      });
      return { report };
    } catch (error) {
      if (isFault(error) && isOfGate(error.code)) throw error;
      log.warn({ digest: subject.digest, reason: messageOf(error) }, 'a scan failed');
      return { unread: plainText(`it could not be scanned: ${messageOf(error)}`, 300) };
    }
  }

  /** Judges for each stage, keeps the verdicts, and gives the first one, which is the one that was asked for. */
  async #conclude(
    subject: Subject,
    [stage, ...further]: readonly [Stage, ...Stage[]],
    { namespace, actor }: Request,
    name: string,
    { report, unread, exempt }: Scanned,
  ): Promise<Verdict> {
    const { policy, store, clock, reportAt } = this.#options;
    // One policy for both: with another one in between, it would be judged by evidence that nobody looked at.
    const inForce = policy();
    const weighed = await weigh(this.#options, subject, inForce, report);
    const { vexRevision } = weighed;
    const common = {
      ...{ ...weighed.evidence, ...subject, namespace, report: weighed.report, vexRevision },
      ...{ unread, exempt, reportAt: reportAt?.(subject), now: clock() },
    };
    const judged = (each: Stage): Verdict & { readonly digest: Digest } => ({
      ...judge(inForce, { ...common, stage: each }),
      digest: subject.digest,
    });
    const verdict = judged(stage);
    const verdicts = verdict.outcome === 'deny' ? [verdict] : [verdict, ...further.map(judged)];
    const { outcome, summary, policyRevision, advisoryRevision, judgedAt: time, digest } = verdict;
    const entry = { time, event: 'verdict', actor, digest, name, stage, namespace, outcome, summary };
    await store.write({ verdicts, audit: [{ ...entry, policyRevision, advisoryRevision }] });
    this.#runVerdicts.learn(verdicts);
    return verdict;
  }
}

interface Scanned {
  readonly report?: Report | undefined;
  readonly unread?: string;
  /** The kind that the policy lets in unlooked at. */
  readonly exempt?: string;
}

/** It says nothing of what was to be scanned. */
function isOfGate(code: string): boolean {
  return code.startsWith('GATE_');
}
