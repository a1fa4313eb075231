/** Raises an event for several violations of a namespace within a window, at most once per window. */
import type { ViolationReport } from '../../dispatch/index.ts';
import type { JsonObject } from '../../lib/index.ts';

export interface ViolationAlert {
  readonly namespace: string;
  readonly payload: JsonObject;
}

interface AlarmOptions {
  /** Violations within the window that raise the alarm. 0: never. */
  readonly threshold: number;
  readonly windowMs: number;
  readonly onAlert: (alert: ViolationAlert) => void;
}

interface Window {
  readonly since: number;
  readonly kinds: Map<string, number>;
  readonly actions: Set<string>;
  count: number;
}

const mostActions = 10;

/** @returns a function that receives each violation, whether or not it is kept */
export function createViolationAlarm(options: AlarmOptions): (report: ViolationReport) => void {
  const { threshold, windowMs, onAlert } = options;
  const windows = new Map<string, Window>();

  const windowOf = (namespace: string, now: number): Window => {
    const current = windows.get(namespace);
    if (current !== undefined && now - current.since < windowMs) return current;
    for (const [name, { since }] of windows) if (now - since >= windowMs) windows.delete(name);
    const window = { since: now, kinds: new Map(), actions: new Set<string>(), count: 0 };
    windows.set(namespace, window);
    return window;
  };
  return (report) => {
    const { namespace, kind, action } = report;
    if (namespace === undefined || threshold === 0) return;
    const window = windowOf(namespace, performance.now());
    window.count++;
    window.kinds.set(kind, (window.kinds.get(kind) ?? 0) + 1);
    if (action !== undefined && window.actions.size < mostActions) window.actions.add(action);
    if (window.count === threshold) onAlert({ namespace, payload: payloadOf(report, window, options) });
  };
}

function payloadOf(
  { namespace = '', kind, detail, at, activationIds }: ViolationReport,
  { count, kinds, actions }: Window,
  { windowMs }: AlarmOptions,
): JsonObject {
  return {
    type: 'violations',
    namespace,
    count,
    windowSeconds: windowMs / 1000,
    kinds: Object.fromEntries(kinds),
    actions: [...actions],
    last: { kind, detail, at, activationId: activationIds[0] ?? null },
  };
}
