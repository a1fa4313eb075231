/**
 * Gives memory back at once. Buffers that are left to the garbage collector make it mark the whole heap for every 64
 * MiB, and new buffers must be paged in again.
 *
 * Afterwards `bytes` is empty: nothing may still read from it, least of all a pending write. Has no effect on a part
 * of larger memory, like Node's small buffers.
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0);
}

/**
 * Gives back all the memory around `part`, which no other buffer may share. Small buffers in Node's shared pool can't
 * be given back, and stay.
 */
export function giveBackAround({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}
