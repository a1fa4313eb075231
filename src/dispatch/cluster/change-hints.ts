/**
 * Hints between the nodes that take calls: what one has written in the database, the others drop from their caches at
 * once and not only when they look for it. A hint says nothing else, and may be lost.
 */
import { noActivation } from '../wire/frames.ts';
import type { Link } from '../wire/link.ts';

export interface ChangeHintsOptions {
  readonly link: Pick<Link, 'send'>;
  /** Where this node speaks to all. */
  readonly subject: string;
  /** Called when another node has changed something. */
  readonly onHint: () => void;
}

export interface ChangeHints extends Disposable {
  /** Tells the others that something was changed. */
  send(): void;
  /** Takes a hint of another node. */
  take(): void;
}

/** Hints in this time are one message, and one look: a bulk of writes or a flood costs no more. */
export const hintMs = 50;

export function createChangeHints({ link, subject, onHint }: ChangeHintsOptions): ChangeHints {
  const message = { activationId: noActivation, attempt: 0, head: {}, tail: Buffer.alloc(0) };
  const sending = atMostOnceIn(hintMs, () => link.send(subject, { type: 'changed', ...message }));
  const looking = atMostOnceIn(hintMs, onHint);
  return {
    send: sending.ask,
    take: looking.ask,
    [Symbol.dispose]() {
      sending[Symbol.dispose]();
      looking[Symbol.dispose]();
    },
  };
}

/** Acts at once if it has not for that time, else at its end. So it always acts after it was asked. */
function atMostOnceIn(ms: number, act: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let isAsked = false;
  const begin = () => {
    isAsked = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (isAsked) begin();
    }, ms);
    timer.unref();
    act();
  };
  return {
    ask() {
      if (timer === undefined) begin();
      else isAsked = true;
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
