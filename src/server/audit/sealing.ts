/**
 * Brings entries of the audit log into its chain. They wait in the databases of the changes that they name, because in
 * SQLite no transaction spans two files. An entry is dropped there only when the chain has it, and the chain takes none
 * twice: whenever a server is killed, nothing is lost or doubled.
 */
import { type AuditDraft, type GateStore, parseDraft } from '../../gate/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { type UnsealedEntries, type UnsealedEntry, watchNoted } from '../../store/index.ts';

export type Unsealed = Pick<UnsealedEntries, 'read' | 'drop'>;
export type Chain = Pick<GateStore, 'write'>;

export interface Sealing extends AsyncDisposable {
  /** Resolves when the chain has every entry that waited before this call. @throws Faults of the databases */
  settle(): Promise<void>;
}

interface SealingOptions {
  readonly sources: readonly Unsealed[];
  readonly chain: Chain;
  /** Called with the entries that this server has sealed. */
  readonly onSealed?: ((drafts: readonly AuditDraft[]) => void) | undefined;
  readonly log: Log;
  /** How long after a change of this process, and how often for those of others. */
  readonly soonMs?: number;
  readonly everyMs?: number;
}

const entriesAtOnce = 500;
/** An intruder could change an entry in this time. A server that looks more often does not come to rest. */
const usualMs = { soon: 500, every: 60_000 };

/** Seals after each change, at intervals, and once more at its end. */
export function startSealing(options: SealingOptions): Sealing {
  const { soonMs = usualMs.soon, everyMs = usualMs.every, log, ...parts } = options;
  let running: Promise<void> = Promise.resolve();
  const settle = (): Promise<void> => {
    running = running.catch(() => {}).then(() => sealAll(parts));
    return running;
  };
  let hasFailed = false;
  const look = async (): Promise<void> => {
    try {
      await settle();
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.error({ err: error }, 'entries of the audit log wait: they can’t be sealed');
      hasFailed = true;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  let soon: NodeJS.Timeout | undefined;
  const lookSoon = (tries = 2): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      // A slow transaction may end after the first look.
      void look().then(() => tries > 1 && lookSoon(tries - 1));
    }, soonMs);
    soon.unref();
  };
  const watch = watchNoted(() => lookSoon());
  return {
    settle,
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      clearInterval(timer);
      clearTimeout(soon);
      await settle().catch((error: unknown) =>
        log.warn(`entries of the audit log wait for the next start: ${messageOf(error)}`),
      );
    },
  };
}

/** Seals all that waits. */
export async function sealAll({
  sources,
  chain,
  onSealed,
}: Pick<SealingOptions, 'sources' | 'chain' | 'onSealed'>): Promise<void> {
  for (const source of sources) {
    for (;;) {
      const waiting = await source.read(entriesAtOnce);
      if (waiting.length === 0) break;
      const audit = waiting.map(draftOf);
      await chain.write({ audit });
      await source.drop(waiting);
      onSealed?.(audit);
      if (waiting.length < entriesAtOnce) break;
    }
  }
}

/** What can't be read is named as such, rather than lost, or in the way of all others. */
function draftOf({ id, entry }: UnsealedEntry): AuditDraft {
  return (
    parseDraft({ ...entry, id }) ?? {
      ...{ id, time: new Date().toISOString(), event: 'unreadable', actor: 'ward' },
      summary: 'an entry could not be read before it was in the chain',
    }
  );
}
