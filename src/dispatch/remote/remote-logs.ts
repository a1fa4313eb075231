/**
 * Logs that are followed on other nodes. Each `follow` asks for one piece: so at most one piece of a log is on the
 * wire, and other lines wait, within bounds, at the invoker. A question is repeated until its piece or the end is
 * there, so a lost message only takes time.
 */
import type { JsonObject } from '../../lib/index.ts';
import { LiveLog, type LogPiece } from '../live-log.ts';
import { invalid } from '../wire/frames.ts';
import { type HeadOf, linesSchema, parsed, parseHead } from '../wire/heads.ts';
import type { Message } from '../wire/messages.ts';
import { parseTail } from '../wire/tails.ts';

export interface RemoteLogsOptions {
  readonly send: (node: string, message: Message) => void;
  readonly now: () => number;
}

/** The sending of a job whose log it is. */
export interface LogPlace {
  readonly node: string;
  readonly activationId: string;
  readonly attempt: number;
  /** Of the activation, when it is followed at the API node that has taken it. */
  readonly namespace?: string | undefined;
}

interface Followed extends LogPlace {
  readonly live: LiveLog;
  /** The next piece. */
  piece: number;
  /** When it was asked for last; undefined while the piece before is not read yet. */
  askedAt: number | undefined;
  /** When the invoker was told last that the follower is there. */
  saidAt: number;
  /** When its job ended. The last pieces may still come. */
  overAt: number | undefined;
}

/** An unanswered question is repeated after this time, which also tells the invoker that the follower lives. */
const askAgainMs = 3_000;
/** After the end of its job, a log that brings nothing for this time has ended. */
const lastMs = 10_000;

export class RemoteLogs {
  readonly #options: RemoteLogsOptions;
  readonly #followed = new Map<number, Followed>();
  #last = 0;

  constructor(options: RemoteLogsOptions) {
    this.#options = options;
  }

  follow(job: LogPlace, signal?: AbortSignal): AsyncIterable<LogPiece> {
    this.#last = (this.#last + 1) >>> 0;
    const follower = this.#last;
    const leave = () => {
      this.#followed.delete(follower);
      this.#send(followed, { follower, hasLeft: true });
    };
    const live = new LiveLog(leave, signal);
    const followed: Followed = { ...job, live, piece: 0, askedAt: undefined, saidAt: 0, overAt: undefined };
    this.#followed.set(follower, followed);
    this.#ask(follower, followed);
    return this.#read(follower, followed);
  }

  /** Returns false if no one here follows that log. @throws Fault MESSAGE_INVALID */
  take(from: string, message: Message): boolean {
    const { follower } = parseHead('end', message.head);
    const followed = this.#followed.get(follower);
    if (followed === undefined || followed.node !== from) return false;
    // An earlier process of this node may have given that number to another follower.
    if (followed.activationId !== message.activationId || followed.attempt !== message.attempt) return false;
    try {
      if (message.type === 'end') this.#end(follower, followed);
      else this.#takePiece(followed, parseHead('line', message.head), message.tail);
    } catch (error) {
      // Nothing would wake its reader any more.
      this.#end(follower, followed);
      throw error;
    }
    return true;
  }

  #takePiece(followed: Followed, { piece, skipped }: HeadOf<'line'>, tail: Buffer): void {
    if (piece !== followed.piece) return;
    const lines = parsed(linesSchema, parseTail(tail, 'lines'));
    if (lines.length === 0 && skipped === 0) throw invalid('a piece of a log has no lines');
    followed.piece++;
    followed.askedAt = undefined;
    if (followed.overAt !== undefined) followed.overAt = this.#options.now();
    followed.live.skip(skipped);
    for (const line of lines) followed.live.add(line);
  }

  /**
   * A job is over.
   * @param hasMore its node may still have pieces of its log
   */
  over({ node, activationId, attempt }: LogPlace, hasMore: boolean): void {
    for (const [follower, followed] of this.#followed) {
      const isIt = followed.activationId === activationId && followed.attempt === attempt;
      if (!isIt || followed.node !== node) continue;
      if (hasMore) followed.overAt = this.#options.now();
      else this.#end(follower, followed);
    }
  }

  /** The node is gone, and what it had. */
  gone(node: string): void {
    for (const [follower, followed] of this.#followed)
      if (followed.node === node) this.#end(follower, followed);
  }

  close(): void {
    for (const [follower, followed] of this.#followed) this.#end(follower, followed);
  }

  tick(): void {
    const now = this.#options.now();
    for (const [follower, followed] of this.#followed) {
      const { askedAt, overAt } = followed;
      if (askedAt === undefined) this.#keep(follower, followed, now);
      else if (overAt !== undefined && now - overAt > lastMs) this.#end(follower, followed);
      else if (now - askedAt >= askAgainMs) this.#ask(follower, followed);
    }
  }

  /** Asks for the next piece once one is read. */
  async *#read(follower: number, followed: Followed): AsyncGenerator<LogPiece> {
    for await (const piece of followed.live) {
      if (followed.overAt !== undefined) followed.overAt = this.#options.now();
      if (this.#followed.has(follower)) this.#ask(follower, followed);
      yield piece;
    }
  }

  #ask(follower: number, followed: Followed): void {
    followed.askedAt = followed.saidAt = this.#options.now();
    this.#send(followed, { follower, piece: followed.piece });
  }

  /** Says that a slow reader is still there. */
  #keep(follower: number, followed: Followed, now: number): void {
    if (now - followed.saidAt < askAgainMs) return;
    followed.saidAt = now;
    this.#send(followed, { follower, isReading: true });
  }

  #send({ node, activationId, attempt, namespace }: LogPlace, asked: JsonObject): void {
    const head = namespace === undefined ? asked : { ...asked, namespace };
    this.#options.send(node, { type: 'follow', activationId, attempt, head, tail: Buffer.alloc(0) });
  }

  #end(follower: number, { live }: Followed): void {
    this.#followed.delete(follower);
    live.end();
  }
}
