/**
 * Forwards the logs of recorded activations to the destinations of their namespaces, after the records are on disk.
 *
 * Calls never wait for it: `add` notes an id. Each namespace has one connection at a time, and all of them together few, so
 * that a destination which answers slowly delays only its own namespace. Nothing survives a stop of the server: what was not
 * sent by then is only in the records.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostAndPort } from '../egress/index.ts';
import { isFault, isTlsCode, type Log, messageOf, nodeCodeOf, Turns, untilAborted } from '../lib/index.ts';
import { nextBatch, type ReadLog } from './batch.ts';
import type { Destination } from './destination.ts';
import { Refused } from './faults.ts';
import type { LogSource } from './log-event.ts';
import { type Batch, mostWaiting, Outlet } from './outlet.ts';

export interface ForwarderOptions {
  readonly read: ReadLog;
  /** Undefined: the namespace's logs stay here. */
  readonly settingsOf: (namespace: string) => Promise<ForwardingSettings | undefined>;
  /** Checks where a destination is, and returns the address to connect to. @throws Fault */
  readonly pin: (place: HostAndPort) => Promise<string>;
  /** Called with each reason why logs were not sent. Must not throw. */
  readonly report: (failure: ForwardingFailure) => void;
  readonly log: Log;
  readonly timing?: Partial<ForwarderTiming>;
}

export interface ForwardingSettings {
  readonly destination: Destination;
  /** Another one after each change. */
  readonly revision: string;
}

export interface ForwardingFailure {
  readonly namespace: string;
  /** Of the settings. */
  readonly revision: string;
  /** For the owner of the namespace. */
  readonly text: string;
}

export interface ForwarderTiming {
  /** How long lines are collected before they are sent. */
  readonly collectMs: number;
  /** For connecting, sending and the answer. */
  readonly sendMs: number;
  /** The first pause after a failure; each further one is twice as long. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export interface Forwarder {
  /** Returns at once. @param revision of the settings */
  add(source: LogSource, revision: string): void;
  /** Sends what waits, once and for at most this long. */
  close(withinMs: number): Promise<void>;
}

const defaultTiming: ForwarderTiming = {
  collectMs: 500,
  sendMs: 10_000,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
};
/** Namespaces that send at the same time. Each has a batch in memory then. */
const mostAtOnce = 8;
/** Then a batch is given up. */
const mostTries = 8;

export function createForwarder(options: ForwarderOptions): Forwarder {
  return new NamespaceForwarder(options);
}

class NamespaceForwarder implements Forwarder {
  readonly #options: ForwarderOptions;
  readonly #timing: ForwarderTiming;
  readonly #outlets = new Map<string, Outlet>();
  readonly #running = new Set<Promise<void>>();
  readonly #turns = new Turns(mostAtOnce);
  /** Logs are read one after the other: one can have ten mebibytes. */
  readonly #reading = new Turns(1);
  /** Ends pauses. */
  readonly #closing = new AbortController();
  /** Ends connections, and gives up what still waits. */
  readonly #closed = new AbortController();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
  }

  add(source: LogSource, revision: string): void {
    if (this.#closing.signal.aborted) return;
    const { namespace } = source;
    const outlet = this.#outlets.get(namespace) ?? new Outlet(revision);
    this.#outlets.set(namespace, outlet);
    outlet.revision = revision;
    if (!outlet.add(source))
      this.#report(
        namespace,
        outlet,
        `more than ${mostWaiting} activations waited, and the oldest were given up`,
      );
    if (outlet.isBusy) return;
    outlet.isBusy = true;
    const running = this.#run(namespace, outlet).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async close(withinMs: number): Promise<void> {
    this.#closing.abort();
    const patience = setTimeout(() => this.#closed.abort(), withinMs);
    await Promise.all(this.#running);
    clearTimeout(patience);
  }

  /** Sends until nothing waits. Never rejects. */
  async #run(namespace: string, outlet: Outlet): Promise<void> {
    await this.#pause(this.#timing.collectMs);
    while (outlet.waiting.length > 0) {
      const failed = await this.#turns.take(() => this.#send(namespace, outlet));
      if (failed === undefined) outlet.failures = 0;
      else await this.#afterFailure(namespace, outlet, failed);
    }
    // In the same step as the last look at what waits, so that `add` relies on nobody who looks no more.
    outlet.isBusy = false;
    if (outlet.failures === 0) this.#outlets.delete(namespace);
  }

  /** Sends one batch. Undefined if that succeeded. */
  async #send(namespace: string, outlet: Outlet): Promise<Failed | undefined> {
    const { settingsOf, pin, read } = this.#options;
    let batch: Batch | undefined;
    try {
      this.#closed.signal.throwIfAborted();
      const settings = await settingsOf(namespace);
      if (settings === undefined) {
        outlet.waiting.length = 0;
        return undefined;
      }
      outlet.revision = settings.revision;
      batch = await this.#reading.take(() => nextBatch(outlet.waiting.slice(), read, Date.now()));
      if (batch.events.length > 0) {
        const signal = AbortSignal.any([AbortSignal.timeout(this.#timing.sendMs), this.#closed.signal]);
        const { destination } = settings;
        const { endpoint } = destination;
        const address = await untilAborted(signal, pin(endpoint));
        // Only here: the clients for it take memory.
        const { deliver } = await import('./delivery.ts');
        await deliver(await destination.message(batch.events, Date.now()), { endpoint, address, signal });
      }
      outlet.finish(batch);
      return undefined;
    } catch (error) {
      return { error, batch };
    }
  }

  async #afterFailure(namespace: string, outlet: Outlet, { error, batch }: Failed): Promise<void> {
    outlet.failures++;
    const lost = this.#giveUp(outlet, { error, batch });
    const whose = lost === 1 ? 'the log of 1 activation was' : `the logs of ${lost} activations were`;
    const consequence = lost === 0 ? '' : `; ${whose} given up`;
    this.#report(namespace, outlet, `${whyOf(error)}${consequence}`);
    this.#options.log.debug({ reason: messageOf(error) }, 'logs were not forwarded');
    if (outlet.waiting.length > 0) await this.#pause(this.#pauseAfter(outlet, error));
  }

  #report(namespace: string, { revision }: Outlet, text: string): void {
    this.#options.report({ namespace, revision, text });
  }

  /** Returns how many activations are given up. */
  #giveUp(outlet: Outlet, { error, batch }: Failed): number {
    if (this.#closed.signal.aborted) return outlet.waiting.splice(0).length;
    const isLast = isFinal(error) || outlet.failures % mostTries === 0 || this.#closing.signal.aborted;
    return isLast ? outlet.finish(batch) : 0;
  }

  #pauseAfter({ failures }: Outlet, error: unknown): number {
    const { firstPauseMs, longestPauseMs } = this.#timing;
    const asked = error instanceof Refused ? (error.retryAfterMs ?? 0) : 0;
    return Math.min(longestPauseMs, Math.max(asked, firstPauseMs * 2 ** (failures - 1)));
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: this.#closing.signal }).catch(() => {});
  }
}

interface Failed {
  readonly error: unknown;
  /** What was to be sent, if it was known. */
  readonly batch: Batch | undefined;
}

/** Whether the same would happen again until the settings are changed. */
function isFinal(error: unknown): boolean {
  if (error instanceof Refused) return error.isFinal;
  return isFault(error) && (error.kind === 'denied' || error.kind === 'invalid');
}

/** Text for the owner of the namespace. */
function whyOf(error: unknown): string {
  if (error instanceof Refused || isFault(error)) return messageOf(error);
  const isLate = error instanceof Error && /^(?:Abort|Timeout)Error$/.test(error.name);
  if (isLate) return 'the destination took too long';
  const code = nodeCodeOf(error) ?? 'the connection failed';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return "the destination's certificate is for another host";
  if (isTlsCode(code)) return `no trusted TLS connection to the destination: ${code}`;
  return `the destination can't be reached: ${code}`;
}
