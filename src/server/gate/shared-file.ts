/** A file that all servers of a database use, as one of them follows its changes. */
import type { GateStore, SharedFile } from '../../gate/index.ts';
import type { Log } from '../../lib/index.ts';

export interface SharedFileSource {
  /** Undefined: servers share none. */
  current(): SharedFile | undefined;
  /** Resolves to whether `current` has changed. @throws Faults of the gate's store */
  refresh(): Promise<boolean>;
}

export interface SharedFileOptions {
  readonly name: string;
  /** For messages: `policy`. */
  readonly what: string;
  readonly store: Pick<GateStore, 'sharedFile'>;
  readonly log: Log;
}

/** Never goes back to an older one. @throws Faults of the gate's store */
export async function followShared({ name, what, store, log }: SharedFileOptions): Promise<SharedFileSource> {
  let current = await store.sharedFile(name);
  let hasGoneBack = false;
  return {
    current: () => current,
    async refresh() {
      const found = await store.sharedFile(name, current);
      const isOlder = (found?.revision ?? 0) < (current?.revision ?? 0);
      if (isOlder && !hasGoneBack)
        log.error(
          { found: found?.revision ?? 0, known: current?.revision },
          `the database has an older ${what} than this server, which keeps the newer one: put one in force again`,
        );
      hasGoneBack = isOlder;
      if (isOlder) return false;
      const isNew = found?.digest !== current?.digest;
      current = found;
      return isNew;
    },
  };
}
