/** How much of the network one sandbox may use, no matter what it may reach, and all sandboxes together. */
import { z } from 'zod';

export interface EgressLimits {
  readonly connectionsPerSecond: number;
  /** At once. */
  readonly connections: number;
  /** Each way. */
  readonly packetsPerSecond: number;
  /** Each way. */
  readonly bytesPerSecond: number;
  /** For all sandboxes together, each way: namespaces that want more get equal shares. */
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
  /** Below a few packets a second nothing would get through. */
  bytesPerSecond: z.int().min(16_384).max(100_000_000_000).default(defaultEgressLimits.bytesPerSecond),
  machineBytesPerSecond: z
    .int()
    .min(65_536)
    .max(100_000_000_000)
    .default(defaultEgressLimits.machineBytesPerSecond),
});
