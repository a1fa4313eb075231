/** The registry: the OCI distribution API. Other rooms authenticate its callers and judge pushes. */
export { createRegistry } from './registry.ts';
export type { TokenKeys } from './tokens.ts';
export type { PushedManifest, PushGate } from './types.ts';
