/**
 * The figures that Ward tells Prometheus. Labels are from closed sets, never names of namespaces, actions or callers:
 * what tenants do must not make the number of time series grow.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Completion, InvokerStatus } from '../../../dispatch/index.ts';
import type { RecordWatch } from '../../../functions/index.ts';
import type { ViolationKind } from '../../../sandbox/index.ts';
import type { Recording } from '../../../store/index.ts';
import type { AdvisoriesAge } from '../../advisories/age.ts';
import type { DiskStatus } from '../disk-reserve.ts';

export type Throttle =
  | 'invocations per minute'
  | 'concurrent invocations'
  | 'firings per minute'
  | 'queue full'
  | 'records full';

export interface Figures {
  readonly contentType: string;
  /** As Prometheus reads it. */
  text(): Promise<string>;
  completed(completion: Completion): void;
  throttled(by: Throttle): void;
  violated(kind: ViolationKind): void;
  /** Violations that were counted and not kept. */
  passedOver(): void;
  /** What the gate said. */
  judged(stage: 'deploy' | 'run', outcome: 'allow' | 'warn' | 'deny'): void;
  /** The clock of the machine was set. @param jumpMs negative when back */
  clockSet(jumpMs: number): void;
  /** What becomes of records. */
  readonly records: RecordWatch;
  /** Asked at each scrape. */
  watchInvoker(status: () => InvokerStatus): void;
  /** Asked at each scrape. */
  watchAdvisories(age: () => Omit<AdvisoriesAge, 'warning'>): void;
  /** Asked at each scrape. */
  watchDisk(status: () => DiskStatus): void;
  /** Asked at each scrape. */
  watchDamage(count: () => number): void;
  /** Asked at each scrape. */
  watchLeftBehind(count: () => number): void;
  /** Asked at each scrape. */
  watchRecording(recording: Recording): void;
}

/** Without results and logs, which are not to be kept for it. */
type Counted = Pick<Completion, 'status' | 'start' | 'startedAt' | 'endedAt' | 'waitMs' | 'sandboxMs'>;

/** As many are put together: the library takes microseconds to find the series of a figure, and a caller would wait. */
const completionsAtOnce = 200;
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const mebibyte = 1024 * 1024;

/** @param build its version */
export function createFigures(build: string): Figures {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name: `ward_${name}_total`, help, labelNames: [...labelNames], registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Histogram<Label>({
      name: `ward_${name}_seconds`,
      help,
      labelNames: [...labelNames],
      buckets: seconds,
      registers,
    });
  const info = new Gauge({ name: 'ward_info', help: 'Always 1', labelNames: ['version'], registers });
  info.set({ version: build }, 1);

  const invocations = counter(
    'invocations',
    'Activations that ended, by how and by the start of their sandbox',
    ['status', 'start'],
  );
  const duration = histogram(
    'invocation_duration',
    'From the start of the run to its answer, without waiting',
    ['start'],
  );
  const wait = histogram('invocation_wait', 'From acceptance to the start of the run');
  const start = histogram('sandbox_start', 'Waited for a sandbox to be ready, of starts that were not warm', [
    'start',
  ]);
  const throttles = counter('throttled', 'Calls and firings refused by a limit', ['limit']);
  const violations = counter('sandbox_violations', 'What sandboxes did that their policy does not let them', [
    'kind',
  ]);
  const passedOver = counter(
    'sandbox_violations_not_kept',
    'Violations past what is kept of a namespace a minute',
  );
  const evicted = counter(
    'records_evicted',
    'Records deleted since those of their namespace took too much disk',
  );
  const lost = counter('records_lost', 'Activations that have run and whose record was not kept');
  const verdicts = counter('gate_verdicts', 'What the gate said of deployments; of runs, refusals only', [
    'stage',
    'outcome',
  ]);
  const clockJumps = counter('clock_jumps', 'Times that the clock of the machine was seen to be set', [
    'direction',
  ]);
  let uncounted: Counted[] = [];
  const count = (): void => {
    for (const { status, start: by, startedAt, endedAt, waitMs, sandboxMs } of uncounted) {
      invocations.inc({ status, start: by });
      duration.observe({ start: by }, Math.max(0, endedAt - startedAt) / 1000);
      wait.observe(waitMs / 1000);
      if (sandboxMs !== undefined) start.observe({ start: by }, sandboxMs / 1000);
    }
    uncounted = [];
  };
  return {
    contentType: registry.contentType,
    text() {
      count();
      return registry.metrics();
    },
    completed({ status, start: by, startedAt, endedAt, waitMs, sandboxMs }) {
      uncounted.push({ status, start: by, startedAt, endedAt, waitMs, sandboxMs });
      if (uncounted.length === completionsAtOnce) count();
    },
    throttled: (limit) => throttles.inc({ limit }),
    records: {
      evicted: (records) => evicted.inc(records),
      refused: () => throttles.inc({ limit: 'records full' }),
      lost: () => lost.inc(),
    },
    clockSet: (jumpMs) => clockJumps.inc({ direction: jumpMs < 0 ? 'back' : 'forward' }),
    violated: (kind) => violations.inc({ kind }),
    passedOver: () => passedOver.inc(),
    judged: (stage, outcome) => verdicts.inc({ stage, outcome }),
    watchInvoker: (status) => watchInvoker(registry, status),
    watchAdvisories: (age) => watchAdvisories(registry, age),
    watchDisk: (status) => watchDisk(registry, status),
    watchDamage: (damaged) => watchDamage(registry, damaged),
    watchLeftBehind: (left) => watchLeftBehind(registry, left),
    watchRecording: (recording) => watchRecording(registry, recording),
  };
}

function watchInvoker(registry: Registry, status: () => InvokerStatus): void {
  const registers = [registry];
  // One look for each scrape, by the first of them that is collected.
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
    },
  });
  const sandboxes = new Gauge({
    name: 'ward_sandboxes',
    help: 'Sandboxes by state; idle ones may be frozen',
    labelNames: ['state'],
    registers,
  });
  const memory = new Gauge({
    name: 'ward_sandbox_memory_bytes',
    help: 'Memory promised to sandboxes, also to those on their way',
    registers,
  });
  const limit = new Gauge({
    name: 'ward_sandbox_memory_limit_bytes',
    help: 'Memory for all sandboxes together',
    registers,
  });
}

function watchAdvisories(registry: Registry, age: () => Omit<AdvisoriesAge, 'warning'>): void {
  const registers = [registry];
  const count = new Gauge({
    name: 'ward_advisories',
    help: 'Advisories that scans are matched with',
    registers,
    collect() {
      const now = age();
      count.set(now.count);
      sinceChange.set(now.ageSeconds ?? -1);
      sinceCheck.set(now.checkedSeconds ?? -1);
      failed.set(now.failed.length);
    },
  });
  const sinceChange = new Gauge({
    name: 'ward_advisories_age_seconds',
    help: 'Since the newest of them was changed; -1: there are none, or they have no time',
    registers,
  });
  const sinceCheck = new Gauge({
    name: 'ward_advisories_checked_seconds',
    help: 'Since the source that waits longest was had, or found to be unchanged; -1: there are none',
    registers,
  });
  const failed = new Gauge({
    name: 'ward_advisories_failed_sources',
    help: 'Sources that failed at the last update of all',
    registers,
  });
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
    help: 'Sandboxes that have ended and could not be taken away yet; it is tried again',
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
    help: 'Whether the disk takes records of calls: 1, or 0 from the first write that failed to the next that succeeds',
    registers,
    collect() {
      isRecording.set(recording.trouble() === undefined ? 1 : 0);
      waiting.set(recording.waiting());
    },
  });
  const waiting = new Gauge({
    name: 'ward_records_waiting',
    help: 'Writes that wait in memory for the disk, records most of them',
    registers,
  });
}

function watchDisk(registry: Registry, status: () => DiskStatus): void {
  const registers = [registry];
  const free = new Gauge({
    name: 'ward_disk_free_bytes',
    help: 'Free on the disk of the data folder',
    registers,
    collect() {
      const now = status();
      free.set(now.freeBytes);
      reserve.set(now.reserveBytes);
    },
  });
  const reserve = new Gauge({
    name: 'ward_disk_reserve_bytes',
    help: 'What tenants leave free: below it they write nothing, below half of it nothing is called',
    registers,
  });
}
