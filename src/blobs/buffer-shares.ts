/**
 * How large the buffers of a transfer are: large ones cost fewer turns of the event loop, and many transfers together
 * must not take the memory.
 */

interface BufferShares {
  /** For as long as a transfer lasts. */
  enter(): BufferShare;
}

interface BufferShare extends Disposable {
  /** For each of the two buffers that a transfer has: one is filled while the other is emptied. */
  readonly bytes: number;
}

const largest = 512 * 1024;
const smallest = 16 * 1024;

/** @param all For the buffers of all transfers, unless there are so many that each has the smallest. */
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
