/**
 * Ward's metrics for Prometheus. Labels come from closed sets, never from names of namespaces, actions or callers:
 * tenants must not be able to increase the number of time series. Only the metrics of single actions, which the operator
 * switches on, have such labels, and a bound of their own.
 */
import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import type { Completion } from '../../../dispatch/index.ts';
import type { RecordWatch } from '../../../functions/index.ts';
import type { ViolationKind } from '../../../sandbox/index.ts';
import { actionFigures, type CalledAction } from './action-figures.ts';
import { exemplarOf, exemplified, openMetricsOf } from './exemplars.ts';
import { type Gauges, gaugesOf } from './gauges.ts';

/** Why a call or a firing was refused: a limit of its namespace, or no room on the platform. */
const throttles = [
  'invocations per minute',
  'concurrent invocations',
  'firings per minute',
  'records full',
  'queue full',
  'invokers busy',
] as const;

export type Throttle = (typeof throttles)[number];

export interface Figures extends Gauges {
  readonly contentType: string;
  /** In the exposition format of Prometheus. */
  text(): Promise<string>;
  /** With a recent trace for each range of a latency. */
  readonly openMetrics: { readonly contentType: string; text(): Promise<string> };
  completed(completion: Completion, called: CalledAction): void;
  /** Those that have metrics of single actions. */
  namespaces(): Iterable<string>;
  /** Ends the metrics of the actions of a deleted namespace. */
  forget(namespace: string): void;
  throttled(by: Throttle): void;
  /** Counts a call for which the platform had no room. @param code of the fault */
  overloaded(code: string): void;
  violated(kind: ViolationKind): void;
  /** Counts a violation that was not stored. */
  passedOver(): void;
  judged(stage: 'deploy' | 'run', outcome: 'allow' | 'warn' | 'deny'): void;
  /** Counts a change of the machine's clock. @param jumpMs negative when it was set back */
  clockSet(jumpMs: number): void;
  readonly records: RecordWatch;
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
    namespaces: activations.namespaces,
    forget: activations.forget,
    throttled: (limit) => limits.throttles.inc({ limit }),
    overloaded: (code) =>
      limits.throttles.inc({ limit: code === 'INVOKER_BUSY' ? 'queue full' : 'invokers busy' }),
    records: {
      evicted: (count) => records.evicted.inc(count),
      refused: () => limits.throttles.inc({ limit: 'records full' }),
      lost: () => records.lost.inc(),
    },
    clockSet: (jumpMs) => clockJumps.inc({ direction: jumpMs < 0 ? 'back' : 'forward' }),
    violated: (kind) => limits.violations.inc({ kind }),
    passedOver: () => limits.passedOver.inc(),
    judged: (stage, outcome) => verdicts.inc({ stage, outcome }),
    ...gaugesOf(registry),
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
  return {
    completed,
    settle,
    namespaces() {
      settle();
      return actions?.namespaces() ?? [];
    },
    forget(namespace: string) {
      settle();
      actions?.forget(namespace);
    },
  };
}

function limitFigures(registry: Registry) {
  const text = 'Calls and firings that were refused for a limit of their namespace or for lack of room';
  const refused = counter(registry, 'throttled', text, ['limit']);
  // Prometheus does not see the increase to the first value of a series.
  for (const limit of throttles) refused.inc({ limit }, 0);
  return {
    throttles: refused,
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
