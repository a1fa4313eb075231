/**
 * Logs of jobs here that are followed from other nodes. A follower asks for piece after piece. The last piece is kept
 * until the next one is asked for, because it may have been lost.
 */
import type { LogPiece } from '../live-log.ts';
import { type HeadOf, plain } from '../wire/heads.ts';
import type { Message } from '../wire/messages.ts';

interface ServedLogsOptions {
  /** The log of an activation here. */
  readonly follow: (
    activationId: string,
    signal: AbortSignal,
    head: HeadOf<'follow'>,
  ) => AsyncIterable<LogPiece> | undefined;
  readonly send: (api: string, message: Message) => void;
  readonly now: () => number;
}

interface Followed {
  readonly activationId: string;
  readonly attempt: number;
  readonly pieces: AsyncIterator<LogPiece>;
  readonly left: AbortController;
  /** The number of the last piece that was sent, and the piece. */
  sent: { readonly piece: number; readonly message: Message } | undefined;
  isPending: boolean;
  heardAt: number;
}

/** A follower that asks for nothing for this time is gone. */
const silentMs = 15_000;
/** Limit of followers of one API node. */
const mostFollowers = 1_000;

export class ServedLogs {
  readonly #options: ServedLogsOptions;
  readonly #followed = new Map<string, Map<number, Followed>>();

  constructor(options: ServedLogsOptions) {
    this.#options = options;
  }

  /** @param isHere the API node has that activation here */
  take(api: string, message: Message, head: HeadOf<'follow'>, isHere: boolean): void {
    const { follower, piece = 0, hasLeft, isReading } = head;
    const known = this.#knownOf(api, follower, message);
    if (hasLeft === true) {
      if (known !== undefined) this.#drop(api, follower, known);
      return;
    }
    const followed = known ?? (piece === 0 && isHere ? this.#begin(api, head, message) : undefined);
    if (followed === undefined) return void this.#end(api, follower, message);
    followed.heardAt = this.#options.now();
    if (isReading === true) return;
    const sent = followed.sent;
    if (sent?.piece === piece) this.#options.send(api, sent.message);
    else if (!followed.isPending && piece === (sent?.piece ?? -1) + 1)
      void this.#next(api, follower, followed, message, piece);
  }

  /** Forgets the followers of an API node. */
  gone(api: string): void {
    for (const [follower, followed] of this.#followed.get(api) ?? []) this.#drop(api, follower, followed);
  }

  tick(): void {
    const before = this.#options.now() - silentMs;
    for (const [api, all] of this.#followed)
      for (const [follower, followed] of all)
        if (followed.heardAt < before) this.#drop(api, follower, followed);
  }

  close(): void {
    for (const api of [...this.#followed.keys()]) this.gone(api);
  }

  /** The follower, unless an earlier process of the API node gave that number to another one. */
  #knownOf(api: string, follower: number, { activationId, attempt }: Message): Followed | undefined {
    const known = this.#followed.get(api)?.get(follower);
    if (known === undefined || (known.activationId === activationId && known.attempt === attempt))
      return known;
    this.#drop(api, follower, known);
    return undefined;
  }

  #begin(api: string, head: HeadOf<'follow'>, { activationId, attempt }: Message): Followed | undefined {
    const all = this.#followed.get(api) ?? new Map<number, Followed>();
    const left = new AbortController();
    const log = all.size < mostFollowers ? this.#options.follow(activationId, left.signal, head) : undefined;
    if (log === undefined) return undefined;
    const pieces = log[Symbol.asyncIterator]();
    const state = { sent: undefined, isPending: false, heardAt: 0 };
    const followed: Followed = { activationId, attempt, pieces, left, ...state };
    this.#followed.set(api, all.set(head.follower, followed));
    return followed;
  }

  async #next(
    api: string,
    follower: number,
    followed: Followed,
    { activationId, attempt }: Message,
    piece: number,
  ): Promise<void> {
    followed.isPending = true;
    const found = await followed.pieces.next().catch(() => ({ done: true }) as const);
    followed.isPending = false;
    if (this.#followed.get(api)?.get(follower) !== followed) return;
    if (found.done === true) {
      this.#drop(api, follower, followed);
      return this.#end(api, follower, { activationId, attempt });
    }
    const { lines, skipped } = found.value;
    const message: Message = {
      ...{ type: 'line', activationId, attempt },
      head: plain({ follower, piece, skipped }),
      tail: Buffer.from(JSON.stringify(lines)),
    };
    followed.sent = { piece, message };
    this.#options.send(api, message);
  }

  #end(api: string, follower: number, { activationId, attempt }: Pick<Message, 'activationId' | 'attempt'>) {
    const message: Message = {
      ...{ type: 'end', activationId, attempt },
      ...{ head: { follower }, tail: Buffer.alloc(0) },
    };
    this.#options.send(api, message);
  }

  #drop(api: string, follower: number, { left }: Followed): void {
    const all = this.#followed.get(api);
    all?.delete(follower);
    if (all?.size === 0) this.#followed.delete(api);
    left.abort();
  }
}
