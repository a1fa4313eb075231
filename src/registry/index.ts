/** The registry: the OCI distribution API. Who may, and what is acceptable, it asks others. */
export { createRegistry } from './registry.ts';
export type { PushedManifest, PushGate } from './types.ts';
