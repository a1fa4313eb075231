/**
 * Where Ward itself may connect on behalf of a tenant: the rules for sandboxes, applied to one host and port. A name is
 * resolved once, and the caller connects to the address that was checked, so a name that changes its address in the
 * meantime (DNS rebinding) leads nowhere else.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { egressFault } from './faults.ts';
import { addressRefusal, type EgressCeiling, grantEgress } from './grants.ts';
import { addressText, type Network, parseAddress } from './networks.ts';
import { parseEgress } from './rules.ts';

export interface HostAndPort {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** All addresses of a name. */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** @throws Fault EGRESS_INVALID, EGRESS_EXCEEDED */
export function requireAllowedHost(place: HostAndPort, ceiling: EgressCeiling): void {
  grantEgress(parseEgress([ruleOf(place)]), ceiling);
}

/**
 * The address to connect to.
 * @param own addresses of this host; by default those of its devices
 * @throws Fault EGRESS_INVALID, EGRESS_EXCEEDED, EGRESS_UNRESOLVED
 */
export async function pinAddress(
  place: HostAndPort,
  ceiling: EgressCeiling,
  resolve: ResolveName = resolverOf(),
  own: readonly Network[] = deviceAddresses(),
): Promise<string> {
  const { hosts, networks } = grantEgress(parseEgress([ruleOf(place)]), ceiling);
  const [grant] = hosts;
  if (grant === undefined) {
    const [literal] = networks;
    if (literal === undefined) throw new TypeError('a rule without a grant');
    if (!literal.exact && own.some(({ text }) => text === literal.network.text))
      throw exceeded(place, 'an address of this host');
    return addressText(literal.network);
  }
  const addresses = (await resolve(grant.host)).flatMap((text) => parseAddress(text) ?? []);
  if (addresses.length === 0) throw egressFault('EGRESS_UNRESOLVED', `the name ${place.host} has no address`);
  const refusals = addresses.map((address) => addressRefusal(grant, address, own));
  const allowed = addresses[refusals.indexOf(undefined)];
  if (allowed === undefined) throw exceeded(place, refusals[0] ?? 'not allowed');
  return addressText(allowed);
}

/** Asks name servers over the network, because `getaddrinfo` would hold a thread that files need. */
export function resolverOf(servers: readonly string[] = []): ResolveName {
  return async (name) => {
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    if (servers.length > 0) resolver.setServers(servers);
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    return found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  };
}

function ruleOf({ host, port }: HostAndPort) {
  return isIP(host) === 0 ? { host, ports: [port] } : { cidr: host, ports: [port] };
}

function deviceAddresses(): readonly Network[] {
  const devices = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return devices.flatMap(({ address }) => parseAddress(address) ?? []);
}

function exceeded({ host, port }: HostAndPort, why: string) {
  return egressFault('EGRESS_EXCEEDED', `${host}:${port} is ${why}`);
}
