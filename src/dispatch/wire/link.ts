/**
 * Connects a node to the bus: sends messages as frames, and joins the frames of each sender. Counts and drops what
 * can't be read, which never stops other messages.
 */
import type { Bus } from '../../bus/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { defaultMessageLimits, encodeMessage, type Message, MessageReader } from './messages.ts';
import { senderOf } from './subjects.ts';

export interface LinkCounts {
  /** Frames that could not be read, and messages that no one could use. */
  readonly refused: number;
  /** Messages whose frames stopped to come. */
  readonly stalled: number;
  /** Messages that the bus did not take. */
  readonly unsent: number;
}

type Receive = (from: string, message: Message) => void;

/** An honest sender has one unfinished message at a time. */
const limits = { ...defaultMessageLimits, unfinished: 8, unfinishedBytes: defaultMessageLimits.messageBytes };
/** Limit of the bytes of all unfinished messages, each of which has at least one full frame. */
const mostBytes = 4 * limits.unfinishedBytes;
const sweepEveryMs = 1_000;
/** At most one warning in this time; the rest is counted. */
const warnEveryMs = 10_000;

export class Link implements Disposable {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #mostBytes: number;
  /** Only of senders with unfinished messages. */
  readonly #readers = new Map<string, MessageReader>();
  /** For senders without any: a message of one frame leaves nothing in it. */
  #idleReader: MessageReader;
  readonly #timer: NodeJS.Timeout;
  readonly #counts = { refused: 0, stalled: 0, unsent: 0 };
  #isClosed = false;
  #warnedAt = Number.NEGATIVE_INFINITY;

  /** @param most limit of the bytes of unfinished messages */
  constructor(bus: Bus, log: Log, now: () => number = () => performance.now(), most = mostBytes) {
    this.#mostBytes = most;
    this.#bus = bus;
    this.#log = log;
    this.#now = now;
    this.#idleReader = new MessageReader(limits, now);
    this.#timer = setInterval(() => this.sweep(), sweepEveryMs);
    this.#timer.unref();
  }

  get counts(): LinkCounts {
    return this.#counts;
  }

  get isUp(): boolean {
    return !this.#isClosed && this.#bus.state === 'up';
  }

  /**
   * Returns false if the bus took not all of it: then no one gets the message.
   * @throws Fault MESSAGE_TOO_LARGE, MESSAGE_INVALID
   */
  send(subject: string, message: Message, reply?: string): boolean {
    const frames = encodeMessage(message);
    const isSent = !this.#isClosed && frames.every((frame) => this.#bus.publish(subject, frame, reply));
    if (!isSent) this.#counts.unsent++;
    return isSent;
  }

  /** Calls `receive` for each message to the subject. It may throw: that counts as a message that no one could use. */
  listen(subject: string, receive: Receive): Disposable {
    return this.#bus.subscribe(subject, ({ subject: to, bytes }) => {
      if (this.#isClosed) return;
      const from = senderOf(to);
      try {
        if (from === undefined) throw new Error('its sender has no valid name');
        const message = this.#read(to, bytes);
        if (message !== undefined) receive(from, message);
      } catch (error) {
        this.#refuse(to, error);
      }
    });
  }

  /** Drops messages that stall. */
  sweep(): void {
    for (const [subject, reader] of this.#readers) {
      this.#counts.stalled += reader.dropStale();
      if (reader.unfinished === 0) this.#readers.delete(subject);
    }
  }

  /** Stops sending and receiving. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#readers.clear();
  }

  #read(subject: string, bytes: Buffer): Message | undefined {
    const known = this.#readers.get(subject);
    const reader = known ?? this.#idleReader;
    try {
      return reader.read(bytes);
    } finally {
      if (reader.unfinished > 0) {
        if (known === undefined) this.#idleReader = new MessageReader(limits, this.#now);
        this.#keep(subject, reader);
      } else if (known !== undefined) this.#readers.delete(subject);
    }
  }

  /** When there is too much, it drops what the sender with the most has begun, so that it does not stop the others. */
  #keep(subject: string, reader: MessageReader): void {
    this.#readers.set(subject, reader);
    let bytes = 0;
    let most = { subject, bytes: 0 };
    for (const [each, { unfinishedBytes }] of this.#readers) {
      bytes += unfinishedBytes;
      if (unfinishedBytes > most.bytes) most = { subject: each, bytes: unfinishedBytes };
    }
    if (bytes <= this.#mostBytes) return;
    this.#readers.delete(most.subject);
    this.#refuse(most.subject, new Error('the senders have too much unfinished'));
  }

  #refuse(subject: string, error: unknown): void {
    this.#counts.refused++;
    if (this.#now() - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = this.#now();
    const about = { subject: subject.slice(0, 300), reason: messageOf(error).slice(0, 500) };
    this.#log.warn({ ...about, refused: this.#counts.refused }, 'a message from another node was dropped');
  }
}
