/**
 * Handles violations: counts them, keeps a bounded number, and fires the security trigger when many occur in a short
 * time.
 */
import type { ViolationReport } from '../../dispatch/index.ts';
import { createViolationAlarm, createViolationLog } from '../../functions/index.ts';
import type { Context } from './context.ts';
import type { Foundation } from './foundation.ts';

/** The watch of a server: for its own sandboxes, and for those of nodes without a database. */
export function createViolationWatch(
  { config, figures, events, log }: Context,
  { store }: Pick<Foundation, 'store'>,
): (report: ViolationReport) => void {
  const kept = createViolationLog({
    store: store.violations,
    traceIdOf: (activationId) => events.traceIdOfCall(activationId),
    log,
  });
  const alarm = createViolationAlarm({
    threshold: config.security.violationThreshold,
    windowMs: config.security.violationWindowSeconds * 1000,
    onAlert: ({ namespace, payload }) => {
      log.warn(payload, 'several violations within a short time');
      events.fireSecurity(namespace, payload);
    },
  });
  return (report) => {
    figures.violated(report.kind);
    if (!kept.add(report)) figures.passedOver();
    alarm(report);
  };
}
