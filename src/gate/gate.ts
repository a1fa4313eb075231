/**
 * The gate at its three stages: push, deploy, run. It asks the scanner for reports, judges them by the current policy, and
 * keeps verdicts and the audit log. The rule `unscanned` decides on content that could not be scanned in time, or at all.
 */
import { type Digest, digestOf } from '../blobs/index.ts';
import { isFault, type Log, matchesPattern, messageOf, outageTextOf } from '../lib/index.ts';
import type { ArtifactSource, ImageSource, Report, Scanner, ScanOptions } from '../scanner/index.ts';
import { catchUp } from './catching-up.ts';
import type { GateEvent } from './changes.ts';
import { type EvidenceSources, weigh } from './evidence.ts';
import { EvidenceMarks } from './evidence-marks.ts';
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
  /** Revisions of the current policy, advisories and VEX. */
  readonly revisions: () => Revisions;
  readonly store: GateStore;
  readonly scanner: Pick<Scanner, 'scanImage' | 'scanArtifact' | 'scanCode' | 'rejudge'>;
  /** Returns where a reader finds the report of a subject; refusals name it. */
  readonly reportAt?: (subject: Subject) => string | undefined;
  /** Called when an image or code that runs became worse or better. The gate logs what it throws. */
  readonly onChange?: (event: GateEvent) => void;
  readonly log: Log;
  readonly scans?: Partial<ScanLimits>;
  /** Epoch milliseconds. */
  readonly clock?: () => number;
}

/** Who asks, and for which namespace. */
interface Request {
  readonly namespace: string;
  /** For the audit log: the id of a key, a component of Ward. */
  readonly actor: string;
}

export interface Gate {
  /** Scans an image that is being pushed. @throws Fault GATE_BUSY, GATE_STOPPING, GATE_STORE_FAILED */
  admitImage(request: Request & { readonly image: ImageSource }): Promise<Verdict>;
  /**
   * Scans a pushed artifact that is not an image, unless the policy exempts its type.
   * @throws Fault GATE_BUSY, GATE_STOPPING, GATE_STORE_FAILED
   */
  admitArtifact(
    request: Request & { readonly artifact: ArtifactSource; readonly artifactType: string },
  ): Promise<Verdict>;
  /** Judges a pushed image that can't be scanned; `why` is for people. @throws Fault GATE_STOPPING, GATE_STORE_FAILED */
  admitUnreadable(
    request: Request & { readonly name: string; readonly digest: Digest; readonly why: string },
  ): Promise<Verdict>;
  /** Scans code that is being deployed. @throws Fault GATE_BUSY, GATE_STOPPING, GATE_STORE_FAILED */
  admitCode(
    request: Request & { readonly action: string; readonly code: Uint8Array; readonly kind: string },
  ): Promise<Verdict>;
  /** Judges an image that is being deployed by its stored report and the current advisories. */
  admitDeploy(request: Request & { readonly action: string; readonly digest: Digest }): Promise<Verdict>;
  /** Returns what the policy says about deploying an action whose image is not stored here. */
  absentImage(namespace: string): Action;
  /**
   * Answers from memory at once, or with a promise when the gate must judge first. The promise rejects if the gate can't
   * judge now, but can later.
   */
  mayRun(subject: Subject, namespace: string): Verdict | Promise<Verdict>;
  /** Judges an image again after its companions changed. Never rejects. */
  evidenceChanged(digest: Digest): Promise<void>;
  /**
   * Another server changed the companions of these images, or of any. A call of one waits until the gate has judged it again.
   */
  evidenceChangedElsewhere(images: ReadonlySet<string> | undefined): void;
  /** Judges all stored reports again, one in each turn of the event loop. */
  rejudgeAll(options?: RejudgeOptions): Promise<RejudgeResult>;
  /**
   * Judges all stored reports again if policy, advisories or VEX changed since the last round, in this process or an
   * earlier one, and writes the change to the audit log. Resolves to undefined if nothing changed.
   */
  catchUp(options?: RejudgeOptions): Promise<RejudgeResult | undefined>;
  /** Drops expired reports of refused content that is not stored here. Resolves to their number. */
  forgetRefused(): Promise<number>;
  /** Resolves to the report with VEX applied to it. */
  report(digest: Digest): Promise<Report | undefined>;
  /** Aborts scans under way, tells their callers to retry, and waits for judgements under way. */
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
  readonly #marks = new EvidenceMarks();
  readonly #runVerdicts: RunVerdicts;
  /** What `close` waits for. */
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: GateOptions & Required<Pick<GateOptions, 'clock'>>) {
    this.#options = options;
    this.#scans = createScans({ ...defaultScans, ...options.scans });
    const marks = this.#marks;
    this.#rejudging = new Rejudging({
      ...options,
      marks,
      learn: (verdicts, mark) => this.#runVerdicts.learn(verdicts, mark),
    });
    this.#runVerdicts = new RunVerdicts({
      ...options,
      marks,
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
      // A scan with newer rules may have found more in an image that other namespaces have verdicts for.
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

  evidenceChangedElsewhere(images: ReadonlySet<string> | undefined): void {
    this.#marks.change(images);
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
      // An outage says nothing of the content. Tenants would read in the verdict where the engine is.
      if ((isFault(error) && isOfGate(error.code)) || outageTextOf(error) !== undefined) throw error;
      log.warn({ digest: subject.digest, reason: messageOf(error) }, 'a scan failed');
      return { unread: plainText(`it could not be scanned: ${messageOf(error)}`, 300) };
    }
  }

  /** Judges for each stage, keeps the verdicts, and returns the one for the first stage. */
  async #conclude(
    subject: Subject,
    [stage, ...further]: readonly [Stage, ...Stage[]],
    { namespace, actor }: Request,
    name: string,
    { report, unread, exempt }: Scanned,
  ): Promise<Verdict> {
    const { policy, store, clock, reportAt } = this.#options;
    // One policy for both steps: a policy that changed in between would need evidence that was not gathered.
    const inForce = policy();
    const mark = this.#marks.now();
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
    this.#runVerdicts.learn(verdicts, mark);
    return verdict;
  }
}

interface Scanned {
  readonly report?: Report | undefined;
  readonly unread?: string;
  /** The type that the policy lets in without a scan. */
  readonly exempt?: string;
}

/** True for faults that say nothing about the scanned content. */
function isOfGate(code: string): boolean {
  return code.startsWith('GATE_');
}
