/** Opens a bus. The client of NATS is loaded here, so that a Ward without a bus does not load it. */
import type { BusAddresses } from './addresses.ts';
import type { Bus, BusIdentity, BusOptions, BusProbe } from './types.ts';

/** Returns at once; the bus comes up when a server answers. */
export async function openBus(options: BusOptions): Promise<Bus> {
  const { NatsBus } = await import('./nats-bus.ts');
  return new NatsBus(options);
}

/**
 * Connects once, to try what the server allows.
 * @param user a name to claim beside the certificate @throws Error when the server does not let it in
 */
export async function openBusProbe(
  addresses: BusAddresses,
  identity: BusIdentity,
  user?: string,
): Promise<BusProbe> {
  const { dialBus } = await import('./bus-probe.ts');
  return dialBus(addresses, identity, user);
}
