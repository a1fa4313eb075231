/**
 * Networks that no name may lead to and no rule opens by itself: private, local and special-purpose networks from
 * IANA's registries (RFC 6890 and its successors), metadata services of clouds, and IPv6 forms that hide an IPv4
 * address. Documentation networks are not listed, because they do not exist on the internet.
 */
import { contains, type Network, parseNetwork } from './networks.ts';

interface RefusedNetwork {
  readonly network: Network;
  readonly why: string;
  /** Not even an operator can open it, because it never leads to another host. */
  readonly always: boolean;
}

const always = true;

export const refusedNetworks: readonly RefusedNetwork[] = [
  refused('0.0.0.0/8', 'not the address of a host', always),
  refused('10.0.0.0/8', 'a private network'),
  refused('100.64.0.0/10', 'a network shared by a carrier'),
  refused('127.0.0.0/8', 'loopback', always),
  refused('168.63.129.16/32', 'a metadata service'),
  refused('169.254.0.0/16', 'link-local, where metadata services are'),
  refused('172.16.0.0/12', 'a private network'),
  refused('192.0.0.0/24', 'reserved for protocols, and a metadata service'),
  refused('192.88.99.0/24', 'a relay to IPv6'),
  refused('192.168.0.0/16', 'a private network'),
  refused('198.18.0.0/15', 'a network of Ward’s own', always),
  refused('224.0.0.0/4', 'multicast', always),
  refused('240.0.0.0/4', 'reserved, or broadcast', always),
  refused('::/96', 'loopback, or an embedded IPv4 address', always),
  refused('::ffff:0:0/96', 'an embedded IPv4 address', always),
  refused('64:ff9b::/96', 'an embedded IPv4 address'),
  refused('64:ff9b:1::/48', 'an embedded IPv4 address'),
  refused('2001::/23', 'reserved for protocols and tunnels'),
  refused('2002::/16', 'an embedded IPv4 address'),
  refused('fc00::/7', 'a private network'),
  refused('fd57:4152:4400::/48', 'a network of Ward’s own', always),
  refused('fe80::/10', 'link-local'),
  refused('ff00::/8', 'multicast', always),
  // Addresses outside 2000::/3 are not assigned.
  refused('::/3', 'not a public address'),
  refused('4000::/2', 'not a public address'),
  refused('8000::/1', 'not a public address'),
];

/** The narrowest refused network that holds all of `network`. */
export function refusedAs(network: Network): RefusedNetwork | undefined {
  return refusedNetworks
    .filter((entry) => contains(entry.network, network))
    .sort((one, other) => other.network.prefix - one.network.prefix)[0];
}

function refused(cidr: string, why: string, isAlways = false): RefusedNetwork {
  const network = parseNetwork(cidr);
  if (network === undefined) throw new TypeError(`${cidr} is not a network`);
  return { network, why, always: isAlways };
}
