/** Identifiers, all from the kernel's random source. */
import { randomBytes, randomUUID } from 'node:crypto';

/** 32 lower-case hex digits, OpenWhisk's form of an activation id. */
export function newActivationId(): string {
  return randomUUID().replaceAll('-', '');
}

/** `bytes` random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
