/**
 * Why the logs of namespaces were not forwarded, by any server of the database. Each server adds what it notes to the
 * document of the namespace: the first error after a quiet time at once, and then every few seconds, for a limited number
 * of namespaces. So a destination that always fails costs few writes, however many servers and calls there are.
 */
import { z } from 'zod';
import { addUpErrors, type ForwardingError, type ForwardingFailure } from '../../forwarding/index.ts';
import { type JsonObject, type Log, messageOf, Turns } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import { corrupt } from '../entities/entity-row.ts';
import { forwardingRevision } from './stored-destination.ts';

export interface ErrorLog {
  /** Returns at once. */
  note(failure: ForwardingFailure): void;
  /** Those of the present settings; from other servers, within seconds. Newest last. */
  list(namespace: string): Promise<readonly ForwardingError[]>;
  /** Writes what waits. Nothing may be noted afterwards. */
  close(): Promise<void>;
}

interface ErrorLogOptions {
  readonly store: Pick<Store, 'namespaces' | 'forwardingErrors'>;
  readonly log: Log;
  /** Time between writes. */
  readonly everyMs?: number;
}

const defaultEveryMs = 5_000;
/** Namespaces whose errors are written at a time. The others wait in memory, added up. */
const mostAtOnce = 50;

const errorsOfRevision = z.object({
  /** Of the settings. */
  revision: z.string(),
  errors: z.array(z.object({ text: z.string(), times: z.number(), lastAt: z.number() })).readonly(),
});
type ErrorsOfRevision = z.infer<typeof errorsOfRevision>;

export function createErrorLog(options: ErrorLogOptions): ErrorLog {
  return new SharedErrorLog(options);
}

class SharedErrorLog implements ErrorLog {
  readonly #store: ErrorLogOptions['store'];
  readonly #log: Log;
  readonly #everyMs: number;
  /** By namespace; what has waited longest comes first. */
  readonly #waiting = new Map<string, ErrorsOfRevision>();
  /** So that no reader misses an error, or sees it twice, while it goes from here to the database. */
  readonly #turns = new Turns(1);
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor({ store, log, everyMs = defaultEveryMs }: ErrorLogOptions) {
    this.#store = store;
    this.#log = log;
    this.#everyMs = everyMs;
  }

  note({ namespace, revision, text }: ForwardingFailure): void {
    const noted = { revision, errors: [{ text, times: 1, lastAt: Date.now() }] };
    this.#waiting.set(namespace, joined(this.#waiting.get(namespace), noted));
    this.#schedule();
  }

  list(namespace: string): Promise<readonly ForwardingError[]> {
    return this.#turns.take(async () => {
      const known = await this.#read(namespace);
      return known === undefined ? [] : joined(this.#waiting.get(namespace), known).errors;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#writeSome();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const ms = Math.max(0, this.#writtenAt + this.#everyMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#writing = this.#writeSome().then(() => {
        this.#writtenAt = performance.now();
        this.#timer = undefined;
        if (this.#waiting.size > 0) this.#schedule();
      });
    }, ms).unref();
  }

  /** Never rejects: what can't be written waits for the next time. */
  async #writeSome(): Promise<void> {
    try {
      for (const namespace of [...this.#waiting.keys()].slice(0, mostAtOnce))
        await this.#turns.take(() => this.#write(namespace));
    } catch (error) {
      this.#log.debug({ reason: messageOf(error) }, 'errors of log forwarding were not written');
    }
  }

  async #write(namespace: string): Promise<void> {
    const taken = this.#waiting.get(namespace);
    if (taken === undefined) return;
    this.#waiting.delete(namespace);
    let isDone = false;
    try {
      isDone = await this.#add(namespace, taken);
    } finally {
      const later = this.#waiting.get(namespace);
      if (!isDone) this.#waiting.set(namespace, later === undefined ? taken : joined(taken, later));
    }
  }

  /** False if another server was faster. */
  async #add(namespace: string, noted: ErrorsOfRevision): Promise<boolean> {
    const known = await this.#read(namespace);
    // The settings are no longer those that failed.
    if (known?.revision !== noted.revision) return true;
    return this.#store.forwardingErrors.replace(namespace, { ...joined(noted, known) }, known.stored);
  }

  /** Undefined: the namespace has no destination. */
  async #read(namespace: string): Promise<Known | undefined> {
    const row = await this.#store.namespaces.byName(namespace);
    const revision = row && forwardingRevision(row.settings);
    if (revision === undefined) return undefined;
    const stored = await this.#store.forwardingErrors.get(namespace);
    const { success, data } = errorsOfRevision.safeParse(stored ?? { revision, errors: [] });
    if (!success) throw corrupt();
    return { revision, errors: data.revision === revision ? data.errors : [], stored };
  }
}

interface Known extends ErrorsOfRevision {
  /** The whole document. */
  readonly stored: JsonObject | undefined;
}

/** Errors of one revision: that of `one`. */
function joined(other: ErrorsOfRevision | undefined, one: ErrorsOfRevision): ErrorsOfRevision {
  const more = other?.revision === one.revision ? other.errors : [];
  return { revision: one.revision, errors: addUpErrors([...more, ...one.errors]) };
}
