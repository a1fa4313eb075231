/** Turns pushed pieces into a stream for a reader. */

interface Feed {
  readonly bytes: AsyncIterable<Buffer>;
  /** Copies the piece. Drops it after the reader has left. */
  push(piece: Buffer): void;
  /** Resolves when the reader wants more; undefined when it does already. */
  ready(): Promise<void> | undefined;
  /** Called by the writer at its end. */
  end(): void;
  /** Called when the reader needs no more. */
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
