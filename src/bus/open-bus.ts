/** Opens a bus. The client of NATS is loaded here, so that a Ward without a bus does not load it. */
import type { Bus, BusOptions } from './types.ts';

/** Returns at once; the bus comes up when a server answers. */
export async function openBus(options: BusOptions): Promise<Bus> {
  const { NatsBus } = await import('./nats-bus.ts');
  return new NatsBus(options);
}
