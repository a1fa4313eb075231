/**
 * Notes in the audit log who reads what is a secret, or where people put secrets: parameters, payloads of alarms, URLs of webhooks, and
 * the secrets of web actions. A client that asks again and again has one entry an hour, unless they have changed.
 */
import { BoundedMap, currentActor, hashOf } from '../../lib/index.ts';
import type { UnsealedEntries } from '../../store/index.ts';
import type { PlainRef } from './entity-row.ts';
import type { ShownParameter } from './key-values.ts';
import { type EntityRef, fullNameOf, type NamespaceName } from './names.ts';

export interface ParameterReads {
  /**
   * Call it before they are shown. Resolves when the entry is durable. @throws Fault of the store, and then they must not be shown
   * @param kind of what has them
   */
  note(
    kind: 'action' | 'package' | 'trigger' | 'webhook' | 'alarm' | 'api',
    ref: EntityRef | PlainRef | ApiRef,
    parameters: readonly ShownParameter[],
  ): Promise<void>;
}

interface ApiRef {
  readonly namespace: NamespaceName;
  /** With a leading slash. */
  readonly basePath: string;
}

interface Read {
  /** The digest of the parameters. */
  readonly of: string;
  readonly atMs: number;
}

const againMs = 3_600_000;
const mostReads = 10_000;

/** @param now monotonic milliseconds */
export function createParameterReads(
  unsealed: Pick<UnsealedEntries, 'add'>,
  now: () => number = () => performance.now(),
): ParameterReads {
  const reads = new BoundedMap<string, Read>(mostReads);
  return {
    async note(kind, ref, parameters) {
      const shown = parameters.filter(({ encryption }) => encryption === undefined);
      if (shown.length === 0) return;
      const name = nameOf(ref);
      const read = `${currentActor().who} ${kind} ${name}`;
      const of = hashOf(shown.map(({ key, value }) => [key, value]));
      const last = reads.get(read);
      if (last?.of === of && now() - last.atMs < againMs) return;
      await unsealed.add({ what: `read-${kind}`, name, namespace: ref.namespace });
      reads.set(read, { of, atMs: now() });
    },
  };
}

function nameOf(ref: EntityRef | PlainRef | ApiRef): string {
  if ('basePath' in ref) return `/${ref.namespace}${ref.basePath}`;
  return `/${fullNameOf({ package: undefined, ...ref })}`;
}
