/**
 * NATS core as a bus, with one connection at a time to any of the servers. When it ends, the bus connects again after a
 * random pause, for ever. What is published without a connection is dropped. Bytes that the server has not confirmed
 * are bounded, because the client would keep them without a bound.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { isFault, type Log, messageOf } from '../lib/index.ts';
import { clientOptions } from './client-options.ts';
import { busFault } from './faults.ts';
import type { Bus, BusMessage, BusOptions, BusState } from './types.ts';

interface Listening {
  readonly subject: string;
  readonly deliver: (message: Msg) => void;
  current: Subscription | undefined;
}

const mebibyte = 1024 * 1024;
/** Limit of published bytes that the server has not confirmed. */
const mostUnconfirmed = 128 * mebibyte;
/** The server is asked to confirm after so many bytes. */
const confirmEvery = 4 * mebibyte;
/** Pause before the next attempt to connect: between one and two of these. */
const pauseMs = 200;
/** After about three of these without an answer to a ping, the connection is closed. */
const pingMs = 1_000;

export class NatsBus implements Bus {
  readonly #options: BusOptions;
  readonly #log: Log;
  readonly #listening = new Set<Listening>();
  readonly #stateListeners = new Set<(state: BusState) => void>();
  readonly #closing = new AbortController();
  readonly #life: Promise<void>;
  #connection: NatsConnection | undefined;
  /** Bytes published over this connection, and how many of them are confirmed or will be by a pending question. */
  #published = 0;
  #confirmed = 0;
  #asked = 0;

  constructor(options: BusOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#life = this.#live();
  }

  get state(): BusState {
    return this.#connection === undefined ? 'down' : 'up';
  }

  publish(subject: string, bytes: Uint8Array, reply?: string): boolean {
    const { messageBytes } = this.#options;
    if (bytes.length > messageBytes) {
      const text = `a message of ${bytes.length} bytes is larger than ${messageBytes}`;
      throw busFault('BUS_MESSAGE_TOO_LARGE', text);
    }
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed()) return false;
    if (this.#published - this.#confirmed + bytes.length > mostUnconfirmed) return false;
    connection.publish(subject, bytes, reply === undefined ? {} : { reply });
    this.#published += bytes.length;
    if (this.#published - this.#asked >= confirmEvery) this.#confirm(connection);
    return true;
  }

  subscribe(subject: string, onMessage: (message: BusMessage) => void): Disposable {
    const deliver = (message: Msg) => {
      // An error must not reach the client: it would stop to read from the server.
      try {
        onMessage(messageFrom(message));
      } catch (error) {
        this.#log.error({ err: error, subject: message.subject }, 'a message of the bus was not handled');
      }
    };
    const listening: Listening = { subject, deliver, current: undefined };
    this.#listening.add(listening);
    if (this.#connection?.isClosed() === false) listen(listening, this.#connection);
    return {
      [Symbol.dispose]: () => {
        this.#listening.delete(listening);
        if (this.#connection?.isClosed() === false) listening.current?.unsubscribe();
      },
    };
  }

  onState(listener: (state: BusState) => void): Disposable {
    this.#stateListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#stateListeners.delete(listener) };
  }

  async untilUp(timeoutMs: number): Promise<boolean> {
    if (this.#connection !== undefined) return true;
    const up = Promise.withResolvers<void>();
    using _ = this.onState((state) => state === 'up' && up.resolve());
    const end = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: end.signal }).catch(() => {});
    await Promise.race([up.promise, late]);
    end.abort();
    return this.state === 'up';
  }

  async flush(): Promise<void> {
    try {
      if (this.#connection === undefined) throw new Error('there is no connection');
      await this.#connection.flush();
    } catch (cause) {
      throw busFault('BUS_DOWN', `the bus does not answer: ${messageOf(cause)}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    // What was published goes out first.
    const flushed = this.#connection?.flush().catch(() => {});
    const late = new AbortController();
    await Promise.race([flushed, delay(pingMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    await this.#connection?.close();
    await this.#life;
  }

  async #live(): Promise<void> {
    let lastTrouble: string | undefined;
    while (!this.#closing.signal.aborted) {
      try {
        const connection = await this.#connect();
        lastTrouble = undefined;
        await this.#serve(connection);
      } catch (error) {
        const reason = messageOf(error);
        const hint = isFault(error) ? error.hint : undefined;
        if (reason !== lastTrouble)
          this.#log.warn({ reason, hint }, 'cannot connect to the bus; trying again');
        lastTrouble = reason;
      }
      const pause = pauseMs * (1 + Math.random());
      await delay(pause, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  async #connect(): Promise<NatsConnection> {
    const { addresses, name, messageBytes, identity } = this.#options;
    const connection = await connect({
      ...clientOptions(addresses, addresses.isTls ? identity?.() : undefined),
      name,
      pingInterval: pingMs,
      maxPingOut: 2,
      // A new connection is made here, so that subscriptions and the count of bytes begin anew.
      reconnect: false,
      noAsyncTraces: true,
    });
    const accepted = connection.info?.max_payload ?? 0;
    if (accepted >= messageBytes) return connection;
    await connection.close();
    throw busFault('BUS_UNFIT', `the server accepts only messages of up to ${accepted} bytes`, {
      hint: `set max_payload of nats-server to at least ${messageBytes}`,
    });
  }

  /** Uses the connection until it ends. */
  async #serve(connection: NatsConnection): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return connection.close();
    this.#published = this.#confirmed = this.#asked = 0;
    for (const listening of this.#listening) listen(listening, connection);
    void this.#reportErrors(connection);
    this.#setConnection(connection);
    const reason = await connection.closed();
    this.#setConnection(undefined);
    if (!signal.aborted)
      this.#log.warn({ reason: reason === undefined ? 'closed' : messageOf(reason) }, 'the bus is down');
  }

  #setConnection(connection: NatsConnection | undefined): void {
    this.#connection = connection;
    for (const listener of [...this.#stateListeners]) listener(this.state);
  }

  /** Asks the server to confirm what it has got. */
  #confirm(connection: NatsConnection): void {
    const upTo = this.#published;
    this.#asked = upTo;
    const confirmed = () => {
      if (this.#connection === connection) this.#confirmed = upTo;
    };
    // When it fails, the connection ends.
    connection.flush().then(confirmed, () => {});
  }

  async #reportErrors(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status())
      if (status.type === 'error')
        this.#log.warn({ reason: status.error.message }, 'the server of the bus refused something');
  }
}

function listen(listening: Listening, connection: NatsConnection): void {
  const callback = (error: Error | null, message: Msg) => {
    if (error === null) listening.deliver(message);
  };
  listening.current = connection.subscribe(listening.subject, { callback });
}

function messageFrom({ subject, data, headers }: Msg): BusMessage {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { subject, bytes, isUnheard: bytes.length === 0 && headers?.code === 503 };
}
