/**
 * Ward's metrics for Prometheus. Labels come from closed sets, never from names of namespaces, actions or callers:
 * tenants must not be able to increase the number of time series. Only the metrics of single actions, which the operator
 * switches on, have such labels, and a bound of their own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import type { Completion, HeardNode, InvokerStatus } from '../../../dispatch/index.ts';
import type { RecordWatch } from '../../../functions/index.ts';
import type { ViolationKind } from '../../../sandbox/index.ts';
import type { AcceptedCounts, Recording } from '../../../store/index.ts';
import type { CertificateReport } from '../../acme/acme.ts';
import type { AdvisoriesAge } from '../../advisories/age.ts';
import type { DiskStatus } from '../disk-reserve.ts';
import { actionFigures, type CalledAction } from './action-figures.ts';
import { exemplarOf, exemplified, openMetricsOf } from './exemplars.ts';
import { watchIssued } from './issued-certificates.ts';
import { watchNodes } from './node-gauges.ts';

export type Throttle =
  | 'invocations per minute'
  | 'concurrent invocations'
  | 'firings per minute'
  | 'queue full'
  | 'records full';

export interface Figures {
  readonly contentType: string;
  /** In the exposition format of Prometheus. */
  text(): Promise<string>;
  /** With a recent trace for each range of a latency. */
  readonly openMetrics: { readonly contentType: string; text(): Promise<string> };
  completed(completion: Completion, called: CalledAction): void;
  throttled(by: Throttle): void;
  violated(kind: ViolationKind): void;
  /** Counts a violation that was not stored. */
  passedOver(): void;
  judged(stage: 'deploy' | 'run', outcome: 'allow' | 'warn' | 'deny'): void;
  /** Counts a change of the machine's clock. @param jumpMs negative when it was set back */
  clockSet(jumpMs: number): void;
  readonly records: RecordWatch;
  // Functions passed to the methods below are called at each scrape.
  watchInvoker(status: () => InvokerStatus): void;
  watchAdvisories(age: () => Omit<AdvisoriesAge, 'warning'>): void;
  watchDisk(status: () => DiskStatus): void;
  watchCertificate(until: () => Date | undefined, issued?: () => readonly CertificateReport[]): void;
  watchDamage(count: () => number): void;
  watchLeftBehind(count: () => number): void;
  watchRecording(recording: Recording): void;
  watchQueue(counts: () => Promise<AcceptedCounts>): void;
  watchNodes(heard: () => readonly HeardNode[]): void;
}

/** Leaves out results and logs, so that their memory can be freed before they are counted. */
type Counted = Pick<
  Completion,
  'status' | 'start' | 'startedAt' | 'endedAt' | 'waitMs' | 'sandboxMs' | 'traffic'
> & {
  readonly called: CalledAction;
};

/** Completions are counted in groups: the library takes microseconds to find a time series, and a caller would wait. */
const completionsAtOnce = 200;
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const mebibyte = 1024 * 1024;
const longestCountMs = 1_000;
/** Gauges of the library with the ending of counters. They are sums of the gauges without this ending. */
const misnamed = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/**
 * @param build its version
 * @param actionsPerNamespace how many actions of a namespace have metrics of their own; 0: none
 */
export function createFigures(build: string, actionsPerNamespace = 0): Figures {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  const info = new Gauge({
    name: 'ward_info',
    help: 'Always 1',
    labelNames: ['version'],
    registers: [registry],
  });
  info.set({ version: build }, 1);
  const activations = activationFigures(registry, actionsPerNamespace);
  const limits = limitFigures(registry);
  const records = recordFigures(registry);
  const verdicts = counter(
    registry,
    'gate_verdicts',
    'Verdicts of the gate on deployments, and runs that it refused',
    ['stage', 'outcome'],
  );
  const clockJumps = counter(
    registry,
    'clock_jumps',
    'How often Ward saw that the clock of the machine was set',
    ['direction'],
  );
  return {
    contentType: registry.contentType,
    text() {
      activations.settle();
      return registry.metrics();
    },
    openMetrics: {
      contentType: Registry.OPENMETRICS_CONTENT_TYPE,
      text() {
        activations.settle();
        return openMetricsOf(registry);
      },
    },
    completed: activations.completed,
    throttled: (limit) => limits.throttles.inc({ limit }),
    records: {
      evicted: (count) => records.evicted.inc(count),
      refused: () => limits.throttles.inc({ limit: 'records full' }),
      lost: () => records.lost.inc(),
    },
    clockSet: (jumpMs) => clockJumps.inc({ direction: jumpMs < 0 ? 'back' : 'forward' }),
    violated: (kind) => limits.violations.inc({ kind }),
    passedOver: () => limits.passedOver.inc(),
    judged: (stage, outcome) => verdicts.inc({ stage, outcome }),
    watchInvoker: (status) => watchInvoker(registry, status),
    watchAdvisories: (age) => watchAdvisories(registry, age),
    watchDisk: (status) => watchDisk(registry, status),
    watchCertificate: (until, issued) => watchCertificate(registry, until, issued),
    watchDamage: (damaged) => watchDamage(registry, damaged),
    watchLeftBehind: (left) => watchLeftBehind(registry, left),
    watchRecording: (recording) => watchRecording(registry, recording),
    watchQueue: (counts) => watchQueue(registry, counts),
    watchNodes: (heard) => watchNodes(registry, heard),
  };
}

function counter<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[] = [],
): Counter<Label> {
  return new Counter({
    name: `ward_${name}_total`,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  });
}

function histogram<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly Label[] = [],
): Histogram<Label> {
  return exemplified(registry, { name: `ward_${name}_seconds`, help, labelNames, buckets: seconds });
}

/** Counts activations in groups; `settle` counts those in an incomplete group. */
function activationFigures(registry: Registry, actionsPerNamespace: number) {
  const invocations = counter(
    registry,
    'invocations',
    'Activations that ended, by status and by kind of start',
    ['status', 'start'],
  );
  const duration = histogram(
    registry,
    'invocation_duration',
    'Time from the start of the run to its answer, without waiting',
    ['start'],
  );
  const wait = histogram(registry, 'invocation_wait', 'Time from acceptance to the start of the run');
  const start = histogram(
    registry,
    'sandbox_start',
    'How long an activation waited for the start of its sandbox, without warm starts',
    ['start'],
  );
  const egress = counter(registry, 'egress_bytes', 'What functions sent and received over the network', [
    'direction',
  ]);
  const actions = actionsPerNamespace > 0 ? actionFigures(registry, actionsPerNamespace) : undefined;
  let uncounted: Counted[] = [];
  const settle = (): void => {
    for (const { called, ...completion } of uncounted) {
      const { status, start: by, startedAt, endedAt, waitMs, sandboxMs, traffic } = completion;
      const ranSeconds = Math.max(0, endedAt - startedAt) / 1000;
      invocations.inc({ status, start: by });
      const exemplar = exemplarOf(called);
      duration.observe({ labels: { start: by }, value: ranSeconds, ...exemplar });
      actions?.completed(called, completion, ranSeconds);
      if (traffic !== undefined) {
        egress.inc({ direction: 'sent' }, traffic.sentBytes);
        egress.inc({ direction: 'received' }, traffic.receivedBytes);
      }
      wait.observe({ value: waitMs / 1000, ...exemplar });
      if (sandboxMs !== undefined)
        start.observe({ labels: { start: by }, value: sandboxMs / 1000, ...exemplar });
    }
    uncounted = [];
  };
  const completed: Figures['completed'] = (completion, called): void => {
    const { status, start: by, startedAt, endedAt, waitMs, sandboxMs, traffic } = completion;
    uncounted.push({ status, start: by, startedAt, endedAt, waitMs, sandboxMs, traffic, called });
    if (uncounted.length === completionsAtOnce) settle();
  };
  return { completed, settle };
}

function limitFigures(registry: Registry) {
  return {
    throttles: counter(registry, 'throttled', 'Calls and firings that a limit refused', ['limit']),
    violations: counter(registry, 'sandbox_violations', 'Violations of sandbox policies, by kind', ['kind']),
    passedOver: counter(
      registry,
      'sandbox_violations_not_kept',
      'Violations beyond the number that Ward keeps per namespace and minute',
    ),
  };
}

function recordFigures(registry: Registry) {
  return {
    evicted: counter(
      registry,
      'records_evicted',
      'Records deleted because those of their namespace exceeded its quota',
    ),
    lost: counter(registry, 'records_lost', 'Activations that have run but whose record was lost'),
  };
}

function watchInvoker(registry: Registry, status: () => InvokerStatus): void {
  const registers = [registry];
  // The first gauge of a scrape reads the status for all five.
  const queued = new Gauge({
    name: 'ward_queue_length',
    help: 'Activations that wait for a sandbox',
    registers,
    collect() {
      const now = status();
      queued.set(now.queued);
      for (const [state, count] of Object.entries(now.sandboxes)) sandboxes.set({ state }, count);
      memory.set(now.memoryMiB * mebibyte);
      limit.set(now.memoryLimitMiB * mebibyte);
      used.set((now.memoryUsedMiB ?? 0) * mebibyte);
    },
  });
  const sandboxes = new Gauge({
    name: 'ward_sandboxes',
    help: 'Sandboxes by state; idle ones can be frozen',
    labelNames: ['state'],
    registers,
  });
  const memory = new Gauge({
    name: 'ward_sandbox_memory_bytes',
    help: 'Memory promised to sandboxes, including those that are starting',
    registers,
  });
  const limit = new Gauge({
    name: 'ward_sandbox_memory_limit_bytes',
    help: 'Limit of the memory of all sandboxes together',
    registers,
  });
  const used = new Gauge({
    name: 'ward_sandbox_memory_used_bytes',
    help: 'Memory that sandboxes use, with their page cache',
    registers,
  });
}

function watchAdvisories(registry: Registry, age: () => Omit<AdvisoriesAge, 'warning'>): void {
  const registers = [registry];
  const count = new Gauge({
    name: 'ward_advisories',
    help: 'Advisories that scans use',
    registers,
    collect() {
      const now = age();
      count.set(now.count);
      sinceChange.set(now.ageSeconds ?? -1);
      sinceCheck.set(now.checkedSeconds ?? -1);
      failed.set(now.failed.length);
      behind.set(now.isBehind ? 1 : 0);
    },
  });
  const behind = new Gauge({
    name: 'ward_advisories_behind',
    help: '1 while other nodes of the cluster share later advisories than this one has',
    registers,
  });
  const sinceChange = new Gauge({
    name: 'ward_advisories_age_seconds',
    help: 'Time since the newest advisory was changed; -1 without advisories, or when they have no time',
    registers,
  });
  const sinceCheck = new Gauge({
    name: 'ward_advisories_checked_seconds',
    help: 'Time since Ward fetched the source that waits longest, or found it unchanged; -1 without sources',
    registers,
  });
  const failed = new Gauge({
    name: 'ward_advisories_failed_sources',
    help: 'Sources that failed at the last update of all sources',
    registers,
  });
}

/** A server that speaks plain HTTP has no such figure. */
function watchCertificate(
  registry: Registry,
  until: () => Date | undefined,
  issued?: () => readonly CertificateReport[],
): void {
  if (until() === undefined) return;
  const end = new Gauge({
    name: 'ward_certificate_not_after_seconds',
    help: 'When the certificate in use expires, in seconds since 1970',
    registers: [registry],
    collect() {
      end.set((until()?.getTime() ?? 0) / 1000);
    },
  });
  if (issued === undefined) return;
  const failed = new Gauge({
    name: 'ward_certificate_failed_renewals',
    help: 'Attempts to get the certificate of the server by ACME that have failed since the last success',
    registers: [registry],
    collect() {
      failed.set(issued().find(({ isDomain }) => !isDomain)?.failures ?? 0);
    },
  });
  watchIssued(registry, issued);
}

function watchDamage(registry: Registry, count: () => number): void {
  const damaged = new Gauge({
    name: 'ward_damaged_parts',
    help: 'Unpacked layers and files of advisories that the last check found changed',
    registers: [registry],
    collect() {
      damaged.set(count());
    },
  });
}

function watchLeftBehind(registry: Registry, count: () => number): void {
  const left = new Gauge({
    name: 'ward_sandboxes_left',
    help: 'Sandboxes that have ended but could not be removed yet; Ward tries again',
    registers: [registry],
    collect() {
      left.set(count());
    },
  });
}

function watchRecording(registry: Registry, recording: Recording): void {
  const registers = [registry];
  const isRecording = new Gauge({
    name: 'ward_recording',
    help: '1, or 0 while the disk takes no records of calls: from the first failed write to the next successful one',
    registers,
    collect() {
      isRecording.set(recording.trouble() === undefined ? 1 : 0);
      waiting.set(recording.waiting());
    },
  });
  const waiting = new Gauge({
    name: 'ward_records_waiting',
    help: 'Writes that wait in memory for the disk, mostly records',
    registers,
  });
}

/** Both gauges are NaN while the database does not answer, since a scrape must not wait for it. */
function watchQueue(registry: Registry, counts: () => Promise<AcceptedCounts>): void {
  const registers = [registry];
  // The first gauge of a scrape asks for both.
  let answer: Promise<AcceptedCounts | undefined> | undefined;
  const waiting = new Gauge({
    name: 'ward_accepted_waiting',
    help: 'Accepted calls in the database, of all nodes, that no node has begun',
    registers,
    async collect() {
      const late = delay(longestCountMs, undefined, { ref: false });
      answer = Promise.race([counts().catch(() => undefined), late]);
      waiting.set((await answer)?.waiting ?? Number.NaN);
    },
  });
  const oldest = new Gauge({
    name: 'ward_accepted_oldest_seconds',
    help: 'Age of the oldest of them; 0 when there are none',
    registers,
    async collect() {
      const known = await answer;
      oldest.set(known === undefined ? Number.NaN : (known.oldestWaitingMs ?? 0) / 1000);
    },
  });
}

function watchDisk(registry: Registry, status: () => DiskStatus): void {
  const registers = [registry];
  const free = new Gauge({
    name: 'ward_disk_free_bytes',
    help: 'Free space on the disk of the data folder',
    registers,
    collect() {
      const now = status();
      free.set(now.freeBytes);
      reserve.set(now.reserveBytes);
    },
  });
  const reserve = new Gauge({
    name: 'ward_disk_reserve_bytes',
    help: 'Space that tenants can’t use: below it they can’t write, below half of it Ward refuses calls',
    registers,
  });
}
