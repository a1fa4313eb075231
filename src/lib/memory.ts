/**
 * Gives memory back at once. Buffers that are left to the garbage collector make it mark the whole heap for every
 * 64 MiB of them, and what comes next has to be paged in anew.
 *
 * From then on `bytes` is empty: nobody may be reading from it, least of all a write that the kernel has not taken yet.
 * Without effect when it is a part of something larger, as small buffers are in Node.
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0);
}

/**
 * The same for all the memory that `part` lies in, which must be its alone. Small buffers lie in memory that Node keeps
 * for many, and that nobody can give back: those stay.
 */
export function giveBackAround({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}
