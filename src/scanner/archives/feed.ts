/** Pieces that are pushed, for a reader who takes them as a stream. */

interface Feed {
  readonly bytes: AsyncIterable<Buffer>;
  /** Copies it; nothing is kept for a reader who has left. */
  push(piece: Buffer): void;
  /** Until the reader wants more; undefined when it does. */
  ready(): Promise<void> | undefined;
  /** Nothing more comes. */
  end(): void;
  /** The reader wants nothing more. */
  leave(): void;
}

export function openFeed(): Feed {
  const queue: Buffer[] = [];
  let hasEnded = false;
  let hasLeft = false;
  let wake: (() => void) | undefined;
  let drained: PromiseWithResolvers<void> | undefined;

  const drain = (): void => {
    drained?.resolve();
    drained = undefined;
  };
  async function* read(): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = queue.shift();
      if (piece !== undefined) yield piece;
      else if (hasEnded) return;
      else {
        drain();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return {
    bytes: read(),
    push: (piece) => {
      if (hasLeft) return;
      queue.push(Buffer.from(piece));
      wake?.();
    },
    ready: () => {
      if (hasLeft || queue.length === 0) return undefined;
      drained ??= Promise.withResolvers();
      return drained.promise;
    },
    end: () => {
      hasEnded = true;
      wake?.();
    },
    leave: () => {
      hasLeft = true;
      queue.length = 0;
      drain();
    },
  };
}
