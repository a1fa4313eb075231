/** Limits on the network use of each sandbox, and of all sandboxes together. */
import { z } from 'zod';

export interface EgressLimits {
  readonly connectionsPerSecond: number;
  /** Open at the same time. */
  readonly connections: number;
  /** In each direction. */
  readonly packetsPerSecond: number;
  /** In each direction. */
  readonly bytesPerSecond: number;
  /** Of all sandboxes together, in each direction. Namespaces that want more get equal shares. */
  readonly machineBytesPerSecond: number;
}

export const defaultEgressLimits: EgressLimits = Object.freeze({
  connectionsPerSecond: 50,
  connections: 256,
  packetsPerSecond: 20_000,
  bytesPerSecond: 32 * 1024 * 1024,
  /** Less than a link of 1 Gbit/s carries, so that the limit is reached here and not on the link. */
  machineBytesPerSecond: 100 * 1024 * 1024,
});

export const egressLimitsSchema = z.strictObject({
  connectionsPerSecond: z.int().min(1).max(100_000).default(defaultEgressLimits.connectionsPerSecond),
  connections: z.int().min(1).max(20_000).default(defaultEgressLimits.connections),
  packetsPerSecond: z.int().min(10).max(10_000_000).default(defaultEgressLimits.packetsPerSecond),
  /** With fewer bytes, hardly a packet a second would pass. */
  bytesPerSecond: z.int().min(16_384).max(100_000_000_000).default(defaultEgressLimits.bytesPerSecond),
  machineBytesPerSecond: z
    .int()
    .min(65_536)
    .max(100_000_000_000)
    .default(defaultEgressLimits.machineBytesPerSecond),
});
