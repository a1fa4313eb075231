/** What the records of one action's activations share, written as JSON once for all of them. */
import type { ActionLimits } from '../../dispatch/index.ts';
import type { JsonValue } from '../../lib/index.ts';

/** What the records of one revision of an action share: the texts between the parts that differ. */
export interface RecordFrame {
  readonly name: string;
  /** `[pkg/]name`. For a binding, its name replaces that of the package. */
  readonly path: string;
  readonly limits: ActionLimits;
  readonly namespaceToSubject: string;
  /** Annotations that do not change, each followed by a comma. */
  readonly annotations: string;
  /** The annotation `limits`, for actions that are not composed. */
  readonly limitsAnnotation: string;
}

interface FrameOptions {
  /** `/ns/[pkg/]name` of the action itself. */
  readonly action: string;
  readonly version: string;
  readonly kind: string;
  readonly limits: ActionLimits;
  /** `ns/binding`. */
  readonly binding?: string | undefined;
  readonly isConductor?: boolean | undefined;
}

export function frameOf(options: FrameOptions): RecordFrame {
  const { action, version, kind, limits, binding, isConductor } = options;
  const name = action.slice(action.lastIndexOf('/') + 1);
  const provider = action.slice(action.indexOf('/', 1) + 1);
  return {
    name,
    path: binding === undefined ? provider : `${binding.slice(binding.indexOf('/') + 1)}/${name}`,
    limits,
    namespaceToSubject: `",${JSON.stringify({ name, version, publish: false }).slice(1, -1)},"subject":"`,
    annotations:
      `${annotation('path', action.slice(1))},${annotation('kind', kind)},` +
      (binding === undefined ? '' : `${annotation('binding', binding)},`) +
      (isConductor === true ? `${annotation('conductor', true)},` : ''),
    limitsAnnotation: limitsAnnotation(limits, limits.memoryMiB),
  };
}

export function limitsAnnotation(limits: ActionLimits, memoryMiB: number): string {
  return annotation('limits', {
    concurrency: limits.concurrency,
    logs: limits.logBytes / (1024 * 1024),
    memory: memoryMiB,
    timeout: limits.timeoutMs,
  });
}

export function annotation(key: string, value: JsonValue): string {
  return JSON.stringify({ key, value });
}
