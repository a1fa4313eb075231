/**
 * Metrics of single actions, if the operator wants them. Tenants choose the names of actions, so each namespace has series
 * for a fixed number of actions, and all its other actions share the series `(others)`. A namespace that calls many actions
 * takes series from nobody else. Only operators create namespaces, and a deleted one leaves no series.
 */
import { Counter, type Registry } from 'prom-client';
import type { Completion, Job } from '../../../dispatch/index.ts';
import { exemplarOf, exemplified } from './exemplars.ts';

export type CalledAction = Pick<Job, 'namespace' | 'action' | 'traceparent'> & {
  /** Its namespace was deleted while it ran. */
  isGone?: boolean;
};

export interface ActionFigures {
  completed(
    called: CalledAction,
    completion: Pick<Completion, 'status' | 'start' | 'traffic'>,
    seconds: number,
  ): void;
  /** Those that have series. */
  namespaces(): Iterable<string>;
  /** Removes the series of a deleted namespace. */
  forget(namespace: string): void;
}

/** No action has this name: OpenWhisk allows no parentheses. */
const others = '(others)';
/** An action that was not called for this long gives its series to another one. */
const idleMs = 3_600_000;

/**
 * @param perNamespace how many actions of each namespace have series of their own
 * @param now epoch milliseconds
 */
export function actionFigures(registry: Registry, perNamespace: number, now = Date.now): ActionFigures {
  const registers = [registry];
  const invocations = new Counter({
    name: 'ward_action_invocations_total',
    help: 'Activations that ended, by action and status',
    labelNames: ['namespace', 'action', 'status'],
    registers,
  });
  const coldStarts = new Counter({
    name: 'ward_action_cold_starts_total',
    help: 'Activations for which a sandbox was started, by action',
    labelNames: ['namespace', 'action'],
    registers,
  });
  const egress = new Counter({
    name: 'ward_action_egress_bytes_total',
    help: 'What functions sent and received over the network, by action',
    labelNames: ['namespace', 'action', 'direction'],
    registers,
  });
  const duration = exemplified(registry, {
    name: 'ward_action_duration_seconds',
    help: 'Time from the start of the run to its answer, by action',
    labelNames: ['namespace', 'action'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
  });
  /** Actions with series of their own and when each was called last, for each namespace. */
  const calledAt = new Map<string, Map<string, number>>();

  const remove = (namespace: string, action: string): void => {
    for (const status of statuses) invocations.remove({ namespace, action, status });
    coldStarts.remove({ namespace, action });
    for (const direction of ['sent', 'received']) egress.remove({ namespace, action, direction });
    duration.remove({ namespace, action });
  };

  /** Makes room if the action that was called least recently is idle. */
  const hasRoom = (namespace: string, known: Map<string, number>): boolean => {
    if (known.size < perNamespace) return true;
    const [oldest] = known;
    if (oldest === undefined || now() - oldest[1] < idleMs) return false;
    known.delete(oldest[0]);
    remove(namespace, oldest[0]);
    return true;
  };

  const labelOf = ({ namespace, action }: CalledAction): string => {
    const known = calledAt.get(namespace) ?? new Map<string, number>();
    calledAt.set(namespace, known);
    if (!known.delete(action) && !hasRoom(namespace, known)) return others;
    // The map stays in the order of the last calls.
    known.set(action, now());
    return action;
  };

  return {
    completed(called, { status, start, traffic }, seconds) {
      const { namespace } = called;
      if (called.isGone) return;
      const action = labelOf(called);
      invocations.inc({ namespace, action, status });
      if (start === 'cold') coldStarts.inc({ namespace, action });
      if (traffic !== undefined) {
        egress.inc({ namespace, action, direction: 'sent' }, traffic.sentBytes);
        egress.inc({ namespace, action, direction: 'received' }, traffic.receivedBytes);
      }
      duration.observe({
        labels: { namespace, action },
        value: seconds,
        ...exemplarOf(called),
      });
    },
    namespaces: () => calledAt.keys(),
    forget(namespace) {
      for (const action of calledAt.get(namespace)?.keys() ?? []) remove(namespace, action);
      remove(namespace, others);
      calledAt.delete(namespace);
    },
  };
}

const statuses: readonly Completion['status'][] = [
  'success',
  'application error',
  'action developer error',
  'whisk internal error',
];
