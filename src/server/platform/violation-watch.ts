/**
 * Handles violations: counts them, keeps a bounded number, and fires the security trigger when many occur in a short
 * time.
 */
import type { ViolationReport } from '../../dispatch/index.ts';
import { createViolationAlarm, createViolationLog } from '../../functions/index.ts';
import type { JsonObject, Log } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import type { Config } from '../config/config.ts';
import type { Figures } from './metrics/figures.ts';

interface ViolationWatchOptions {
  readonly store: Pick<Store, 'violations'>;
  readonly figures: Figures;
  readonly config: Config['security'];
  readonly log: Log;
  /** Notifies a namespace and the operator. Never throws. */
  readonly fire: (namespace: string, payload: JsonObject) => void;
}

export function createViolationWatch(options: ViolationWatchOptions): (report: ViolationReport) => void {
  const { store, figures, config, log, fire } = options;
  const kept = createViolationLog({ store: store.violations, log });
  const alarm = createViolationAlarm({
    threshold: config.violationThreshold,
    windowMs: config.violationWindowSeconds * 1000,
    onAlert: ({ namespace, payload }) => {
      log.warn(payload, 'several violations within a short time');
      fire(namespace, payload);
    },
  });
  return (report) => {
    figures.violated(report.kind);
    if (!kept.add(report)) figures.passedOver();
    alarm(report);
  };
}
