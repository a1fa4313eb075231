/** Invokers and jobs for the tests of placement. */
import { operatorPolicy } from '../../sandbox/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import { groupHash } from './group-hash.ts';
import type { InvokerReport, InvokerView, PlacementTarget } from './types.ts';

export const able: InvokerAbilities = { operator: operatorPolicy({}), gvisorObstacle: undefined };

export function targetOf(name: string, more: Partial<PlacementTarget> = {}): PlacementTarget {
  return {
    namespace: 'guest',
    action: `/guest/${name}`,
    revision: '1-a',
    kind: 'nodejs:24',
    limits: { timeoutMs: 60_000, memoryMiB: 256, logBytes: 0, concurrency: 1 },
    ...more,
  };
}

interface ReportTraits {
  readonly busy?: number;
  readonly starting?: number;
  readonly queued?: number;
  readonly usedMiB?: number;
  readonly limitMiB?: number;
  readonly idleMiB?: number;
  /** Actions that have an idle sandbox. */
  readonly warm?: readonly PlacementTarget[];
  /** Actions that have a sandbox which is in use, but not for long. */
  readonly soonFree?: readonly PlacementTarget[];
  readonly isDraining?: boolean;
  readonly abilities?: InvokerAbilities;
  readonly processors?: number;
}

export function reportOf(traits: ReportTraits = {}): InvokerReport {
  const { busy = 0, starting = 0, queued = 0, usedMiB = 0, limitMiB = 4096, idleMiB = 0, warm = [] } = traits;
  return {
    abilities: traits.abilities ?? able,
    status: {
      queued,
      sandboxes: { starting, busy, idle: warm.length, prewarmed: 0 },
      memoryMiB: usedMiB,
      memoryLimitMiB: limitMiB,
    },
    processors: traits.processors ?? 4,
    idleMiB,
    mostStarting: 8,
    mostQueued: 100,
    idle: warm.map((target) => ({ hash: groupHash(target), free: 1 })),
    soonFree: (traits.soonFree ?? []).map(groupHash),
    isDraining: traits.isDraining ?? false,
  };
}

export function viewOf(
  node: string,
  traits: ReportTraits & {
    readonly isLocal?: boolean;
    readonly ageMs?: number;
    readonly weight?: number;
  } = {},
): InvokerView {
  const report = reportOf(traits);
  const { status } = report;
  return {
    node,
    isLocal: traits.isLocal ?? false,
    report,
    ageMs: traits.ageMs ?? 100,
    memoryLimitMiB: status.memoryLimitMiB,
    processors: report.processors,
    sent: 0,
    active: status.sandboxes.busy + status.sandboxes.starting,
    starting: status.sandboxes.starting,
    queued: status.queued,
    freeMiB: status.memoryLimitMiB - status.memoryMiB,
    idleMiB: report.idleMiB,
    idle: new Map(report.idle.map(({ hash, free }) => [hash, free])),
    soonFree: new Set(report.soonFree),
    weight: traits.weight ?? 1,
  };
}
