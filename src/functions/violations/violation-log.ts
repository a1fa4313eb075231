/**
 * Stores violations. Functions are hostile: a namespace that causes violations by the thousand costs a bounded number
 * of writes, and displaces only its own.
 */
import type { ViolationReport } from '../../dispatch/index.ts';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import type { ViolationRow, ViolationStore } from '../../store/index.ts';

interface ViolationLog {
  /** Returns false if it was dropped. Never throws. */
  add(report: ViolationReport): boolean;
}

interface ViolationLogOptions {
  readonly store: Pick<ViolationStore, 'add'>;
  /** The trace of an activation. Undefined: it has none, or this server does not know it. */
  readonly traceIdOf: (activationId: string) => string | undefined;
  readonly log: Log;
  /** Violations of a namespace that are kept per minute. */
  readonly perMinute?: number;
}

const minuteMs = 60_000;
const lastDetail = '; further ones within this minute are only counted';

interface Minute {
  readonly since: number;
  written: number;
}

export function createViolationLog({
  store,
  traceIdOf,
  log,
  perMinute = 60,
}: ViolationLogOptions): ViolationLog {
  const minutes = new Map<string, Minute>();

  const minuteOf = (namespace: string, now: number): Minute => {
    const current = minutes.get(namespace);
    if (current !== undefined && now - current.since < minuteMs) return current;
    for (const [name, { since }] of minutes) if (now - since >= minuteMs) minutes.delete(name);
    const minute = { since: now, written: 0 };
    minutes.set(namespace, minute);
    return minute;
  };
  const write = (row: ViolationRow): void => {
    const traceId = row.activationId === null ? undefined : traceIdOf(row.activationId);
    log.warn({ ...row, ...(traceId && { traceId }) }, 'a sandbox was refused something');
    store.add(row).catch((error) => {
      // Its namespace was deleted in the meantime.
      if (isFault(error, 'STORE_NO_NAMESPACE')) return;
      log.error({ reason: messageOf(error) }, 'a violation was not kept');
    });
  };
  return {
    add(report) {
      const { namespace } = report;
      if (namespace === undefined) return false;
      const minute = minuteOf(namespace, performance.now());
      if (minute.written >= perMinute) return false;
      minute.written++;
      write(rowOf(report, namespace, minute.written === perMinute ? lastDetail : ''));
      return true;
    },
  };
}

function rowOf(report: ViolationReport, namespace: string, more: string): ViolationRow {
  const { at, kind, detail, action = null, activationIds } = report;
  const [activationId = null] = activationIds;
  const together = activationIds.length > 1 ? ` (${activationIds.length} calls ran at once)` : '';
  return { namespace, at, kind, detail: detail + together + more, action, activationId };
}
