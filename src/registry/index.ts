/** The registry: the OCI distribution API. Others authenticate its callers and judge what they push. */
export { createRegistry } from './registry.ts';
export type { PushedManifest, PushGate } from './types.ts';
