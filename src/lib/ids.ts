/** Identifiers, all from the kernel's random source. */

/** Loaded on demand: most commands create no id, and loading it would take a sixth of their start. */
const crypto = () => process.getBuiltinModule('node:crypto');

const idBytes = 16;
/** Refilled when it is used up, because a system call for 16 bytes costs too much. No byte is used twice. */
const pool = Buffer.allocUnsafeSlow(256 * idBytes);
let used = pool.length;

/** 128 random bits as 32 lower-case hex digits. */
export function newId(): string {
  if (used === pool.length) {
    crypto().randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString('hex', used - idBytes, used);
}

/** An id in OpenWhisk's form: 32 lower-case hex digits. */
export function newActivationId(): string {
  return newId();
}

/** `bytes` random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  return crypto().randomBytes(bytes).toString('hex');
}

/** Names of nodes and clusters: no character that NATS or a certificate reads as anything else. */
export const nodeNameForm = /^[A-Za-z0-9_-]{1,64}$/;
