/** Tells invokers that results, logs and refusals have arrived, or that no one waits for them. */
import { noActivation } from '../wire/frames.ts';
import { mostSendings, type Sending } from '../wire/heads.ts';
import type { Message } from '../wire/messages.ts';

/** Acknowledgements wait this long for others, and go together. */
const ackMs = 25;

export class Acks {
  readonly #send: (node: string, message: Message) => void;
  readonly #waiting = new Map<string, Sending[]>();
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (node: string, message: Message) => void) {
    this.#send = send;
  }

  add(node: string, activationId: string, attempt: number): void {
    const waiting = this.#waiting.get(node) ?? [];
    this.#waiting.set(node, waiting);
    waiting.push([activationId, attempt]);
    this.#timer ??= setTimeout(() => this.flush(), ackMs);
  }

  /** Sends what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [node, all] of this.#waiting)
      for (let at = 0; at < all.length; at += mostSendings)
        this.#send(node, {
          ...{ type: 'ack', activationId: noActivation, attempt: 0 },
          ...{ head: { of: all.slice(at, at + mostSendings) }, tail: Buffer.alloc(0) },
        });
    this.#waiting.clear();
  }
}
