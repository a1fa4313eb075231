/**
 * Groups what names open by protocol and ports: the packet filter has one set of addresses for each distinct list of
 * ports. An answer costs one element for each address, not one for each address and port.
 */
import type { EgressGrants, HostGrant } from './grants.ts';
import type { Network } from './networks.ts';
import type { EgressProtocol } from './rules.ts';

export interface Service {
  readonly protocol: EgressProtocol;
  /** Ascending, without duplicates. */
  readonly ports: readonly number[];
}

/** An address that a name has led to, for one of the services. */
export interface Opening {
  readonly address: Network;
  /** Its index in `servicesOf`. */
  readonly service: number;
}

/** Without duplicates, in the order of the rules. */
export function servicesOf({ hosts }: EgressGrants): readonly Service[] {
  return [...new Map(hosts.map((grant) => [keyOf(grant), serviceOf(grant)])).values()];
}

/** The index of a grant's service in `services`. */
export function placeOf(services: readonly Service[], grant: HostGrant): number {
  return services.findIndex((service) => keyOf(service) === keyOf(grant));
}

function serviceOf({ protocol, ports }: HostGrant): Service {
  return { protocol, ports: [...new Set(ports)].sort((one, other) => one - other) };
}

function keyOf(grant: Pick<HostGrant, 'protocol' | 'ports'>): string {
  return `${grant.protocol} ${[...new Set(grant.ports)].sort((one, other) => one - other).join(',')}`;
}
