/** The registry: the OCI distribution API. Who may, and what is acceptable, it asks others. */
export { registryFaults } from './faults.ts';
export { createRegistry, type RegistryOptions } from './registry.ts';
export {
  defaultRegistryLimits,
  type PushedManifest,
  type PushGate,
  type RegistryCaller,
  type RegistryLimits,
  type RegistryRight,
} from './types.ts';
