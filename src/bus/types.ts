/** A bus between the nodes of a cluster. It may lose a message, and delivers none twice by itself. */
import type { Log } from '../lib/index.ts';
import type { BusAddresses } from './addresses.ts';

export interface BusOptions {
  readonly addresses: BusAddresses;
  /** The name of this connection, for the server's operator. */
  readonly name: string;
  /** Size of the largest message. A server that accepts less is not used. */
  readonly messageBytes: number;
  /** Read for each new connection over TLS, because certificates are renewed. Undefined: without one. */
  readonly identity?: (() => BusIdentity) | undefined;
  readonly log: Log;
}

/** How a node shows who it is, and whom it trusts. All are PEM. */
export interface BusIdentity {
  readonly certificate: string;
  readonly key: string;
  /** Certificate of the only authority whose servers it trusts. */
  readonly authority: string;
}

export interface BusMessage {
  readonly subject: string;
  /** Hostile. Shares memory with other messages: copy what you keep. */
  readonly bytes: Buffer;
  /** From the server, to the reply subject of a message that no one has subscribed to. */
  readonly isUnheard: boolean;
}

export type BusState = 'up' | 'down';

export interface Bus extends AsyncDisposable {
  /**
   * Sends the message to everyone who has subscribed. Returns false if it was dropped, because the bus is down or
   * too much waits to be sent. Nothing is kept for later.
   * @param reply where the server says so if no one has subscribed
   * @throws Fault BUS_MESSAGE_TOO_LARGE
   */
  publish(subject: string, bytes: Uint8Array, reply?: string): boolean;
  /** @param subject `*` stands for one word, `>` for all that follow */
  subscribe(subject: string, onMessage: (message: BusMessage) => void): Disposable;
  readonly state: BusState;
  /** Called after each change. */
  onState(listener: (state: BusState) => void): Disposable;
  /** Resolves to true when the bus is up, or to false after that time. */
  untilUp(timeoutMs: number): Promise<boolean>;
  /** Resolves when the server has what was published and subscribed so far. @throws Fault BUS_DOWN */
  flush(): Promise<void>;
}

/** A connection that tells what the server of the bus refuses. */
export interface BusProbe extends AsyncDisposable {
  /** Subscribes. Resolves to the server's words when it refuses. */
  hear(subject: string, onBytes?: (bytes: Buffer, subject: string) => void): Promise<string | undefined>;
  /** Publishes. Resolves to the server's words when it refuses. */
  say(subject: string, bytes: Uint8Array): Promise<string | undefined>;
}
