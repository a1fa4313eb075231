/**
 * Sizes the buffers of transfers: large ones need fewer turns of the event loop, but many transfers together must not
 * use up the memory.
 */

interface BufferShares {
  /** Takes a share for the duration of a transfer. */
  enter(): BufferShare;
}

interface BufferShare extends Disposable {
  /** Size of each of the two buffers of a transfer: one is filled while the other is emptied. */
  readonly bytes: number;
}

const largest = 512 * 1024;
const smallest = 16 * 1024;

/** @param all memory for the buffers of all transfers; with very many, each still gets the smallest size */
export function createBufferShares(all: number): BufferShares {
  let transfers = 0;
  return {
    enter() {
      transfers++;
      return {
        get bytes() {
          return Math.min(largest, Math.max(smallest, Math.floor(all / 2 / transfers)));
        },
        [Symbol.dispose]() {
          transfers--;
        },
      };
    },
  };
}
