/** Ends the calls of namespaces that another process deleted. */
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import type { Changed } from '../entities/changed.ts';
import type { NamespaceService } from './namespaces.ts';

export interface ExpelOptions {
  readonly dispatcher: {
    /** Those that have calls. */
    namespaces(): Iterable<string>;
    expel(namespace: string): void;
  };
  readonly namespaces: Pick<NamespaceService, 'identityOf'>;
  readonly log: Log;
}

/**
 * Never rejects: trouble with one namespace does not keep others. During an outage of the database nothing is expelled;
 * the look that ends it asks again about all namespaces.
 * @param changed undefined: everything may have changed
 */
export async function expelDeleted(
  { dispatcher, namespaces, log }: ExpelOptions,
  changed: Changed | undefined,
): Promise<void> {
  for (const name of [...dispatcher.namespaces()]) {
    if (changed?.namespaces.has(name) === false) continue;
    try {
      if ((await namespaces.identityOf(name)) === undefined) dispatcher.expel(name);
    } catch (error) {
      if (isFault(error, 'AUTHENTICATION_STALE')) continue;
      log.warn({ namespace: name, reason: messageOf(error) }, 'cannot see whether a namespace was deleted');
    }
  }
}
