/**
 * The packet filter as text for `nft -f`: the rules of every router, and those of one sandbox. Pure, and built from
 * numbers and parsed networks only. A packet passes only if a rule here accepts it.
 *
 * A sandbox's packet first goes through the chain `p<slot>`, which checks its form. Then `s<slot>` checks that it comes
 * from the sandbox's own address, is within its rates, and is on its way to the sandbox's own uplink. It must belong to
 * a connection that was accepted before, or open a new one to an open address. Accepted connections carry a serial that
 * is never reused (`ct mark`), so that a sandbox can't continue connections of the one that had its addresses before.
 * Refused packets, and those that open a connection, are traced (`nftrace`) in a chain whose name gives the reason and
 * the slot (`r<slot>`, `l<slot>`, `f<slot>`, `n<slot>`), from which Ward reads both.
 */

import { addressesOf } from '../addresses.ts';
import type { CidrGrant, EgressGrants } from '../grants.ts';
import type { EgressLimits } from '../limits.ts';
import { contains, type Network } from '../networks.ts';
import { mostOpen } from '../open-addresses.ts';
import { refusedNetworks } from '../refused-networks.ts';
import { type Opening, type Service, servicesOf } from '../services.ts';

const table = 'inet ward';
const refusalChain = 'refused';
const limitChain = 'limited';
const markChain = 'marked';

interface SandboxRules {
  readonly slot: number;
  /** 1 to 2^31, never reused. */
  readonly serial: number;
  readonly grants: EgressGrants;
  readonly limits: EgressLimits;
  /** The class of its namespace (`shares.ts`). */
  readonly share: string | undefined;
}

/**
 * Of each set. The account of open addresses is full long before, but the kernel removes expired elements a bit later.
 */
const setSize = 2 * mostOpen;
const dnsPerSecond = 100;

/** The router itself sends nothing to an uplink, so that what its device counts came from the sandbox. */
export function baseRules(own: readonly Network[]): string {
  return `table ${table} {
  set refused4 { type ipv4_addr; flags interval; elements = { ${texts(refusedOf(4))} }
  }
  set refused6 { type ipv6_addr; flags interval; elements = { ${texts(refusedOf(6))} }
  }
  set own4 { type ipv4_addr; flags interval; auto-merge; ${elements(own, 4)}
  }
  set own6 { type ipv6_addr; flags interval; auto-merge; ${elements(own, 6)}
  }
  map arrivals { type ifname : verdict;
  }
  map ways { type ifname : verdict;
  }
  map returns { type ifname : verdict;
  }
  map questions { type ifname : verdict;
  }
  chain arrival { type filter hook prerouting priority -450; policy accept;
    iifname vmap @arrivals
  }
  chain answers { type filter hook output priority raw; policy accept;
    meta l4proto { tcp, udp } th sport 53 notrack
  }
  chain own { type filter hook output priority filter; policy accept;
    oifname "u*" drop
  }
  chain forward { type filter hook forward priority filter; policy drop;
    iifname vmap @returns
    iifname vmap @ways
  }
  chain input { type filter hook input priority filter; policy drop;
    iifname "lo" udp dport 20000-29999 meta nftrace set 1 goto ${markChain}
    iifname vmap @questions
  }
  chain ${markChain} { drop
  }
  chain ${refusalChain} { meta l4proto tcp limit rate 200/second burst 200 packets reject with tcp reset
    limit rate 50/second burst 50 packets reject with icmpx admin-prohibited
    drop
  }
  chain ${limitChain} { drop
  }
}
`;
}

export function sandboxRules(rules: SandboxRules): string {
  const { slot, serial, limits } = rules;
  const { link, uplink } = addressesOf(slot);
  const services = servicesOf(rules.grants);
  return `table ${table} {
  ${lines(services.flatMap((_, service) => openSets(slot, service)))}
  chain r${slot} { limit rate 10/second burst 20 packets meta nftrace set 1
    goto ${refusalChain}
  }
  chain f${slot} { limit rate 10/second burst 20 packets meta nftrace set 1
    drop
  }
  chain l${slot} { limit rate 2/second burst 4 packets meta nftrace set 1
    goto ${limitChain}
  }
  chain p${slot} {
    ${lines(rulesOfForm(slot))}
  }
  chain n${slot} { ct count over ${limits.connections} goto l${slot}
    limit rate over ${limits.connectionsPerSecond}/second burst ${2 * limits.connectionsPerSecond} packets goto l${slot}
    limit rate 10/second burst 20 packets meta nftrace set 1
    ct mark set ${serial} accept
  }
  chain o${slot} {
    ${lines(services.flatMap((service, place) => openTo(slot, service, place)))}
  }
  chain s${slot} {
    ${lines(rulesOut(rules))}
  }
  chain d${slot} {
    ${lines([`oifname != "${link}" drop`, ...rates(limits, `l${slot}`), ...shareOf(rules), `ct state established,related ct mark ${serial} accept`, 'drop'])}
  }
  chain q${slot} {
    ${lines(rulesIn(slot))}
  }
}
add element ${table} arrivals { "${link}" : goto p${slot} }
add element ${table} ways { "${link}" : goto s${slot} }
add element ${table} returns { "${uplink}" : goto d${slot} }
add element ${table} questions { "${link}" : goto q${slot} }
`;
}

export function removalOf({ slot, grants }: Pick<SandboxRules, 'slot' | 'grants'>): string {
  const { link, uplink } = addressesOf(slot);
  return [
    ...['arrivals', 'ways', 'questions'].map((map) => `delete element ${table} ${map} { "${link}" }`),
    `delete element ${table} returns { "${uplink}" }`,
    // Chains that refer to others go first.
    ...['p', 's', 'd', 'q', 'o', 'n', 'r', 'f', 'l'].map((chain) => `delete chain ${table} ${chain}${slot}`),
    ...servicesOf(grants).flatMap((_, service) => [
      `delete set ${table} ${setOf(slot, service, 4)}`,
      `delete set ${table} ${setOf(slot, service, 6)}`,
    ]),
    '',
  ].join('\n');
}

/**
 * Opens addresses for `seconds`, or keeps them open. Elements that exist are replaced, because they would keep their
 * old timeout.
 */
export function openingOf(slot: number, openings: readonly Opening[], seconds: number): string {
  const bySet = new Map<string, string[]>();
  for (const { address, service } of openings) {
    const set = setOf(slot, service, address.family);
    bySet.set(set, [...(bySet.get(set) ?? []), plain(address)]);
  }
  return [...bySet]
    .flatMap(([set, addresses]) => {
      const timed = (time: number) => addresses.map((address) => `${address} timeout ${time}s`).join(', ');
      return [
        `add element ${table} ${set} { ${timed(1)} }`,
        `delete element ${table} ${set} { ${addresses.join(', ')} }`,
        `add element ${table} ${set} { ${timed(seconds)} }`,
        '',
      ];
    })
    .join('\n');
}

export function ownAddressRules(own: readonly Network[]): string {
  const fill = (family: 4 | 6) => {
    const list = own.filter((address) => address.family === family);
    return list.length === 0 ? [] : [`add element ${table} own${family} { ${list.map(plain).join(', ')} }`];
  };
  return [`flush set ${table} own4`, `flush set ${table} own6`, ...fill(4), ...fill(6), ''].join('\n');
}

/** The kernel sends 64. A packet with much less could end on the way to the uplink, or show the hops behind it one by one. */
const leastTtl = 32;

/**
 * Before anything remembers a packet. A packet that ends on the way to the uplink would end a connection here and not
 * there (a reset with a time to live of 1, or with options that forwarding refuses), and a fragment would show its ports
 * in the first part only. It is refused and not rewritten: Linux 6.18.44, for one, lets no user namespace rewrite packets.
 * Questions to the resolver are not remembered: a hundred a second would fill the table.
 */
function rulesOfForm(slot: number): string[] {
  const { inside, gateway } = addressesOf(slot);
  return [
    `ip saddr != ${inside.ipv4} drop`,
    `ip frag-off & 0x3fff != 0 goto f${slot}`,
    `ip hdrlength != 5 goto f${slot}`,
    `ip ttl < ${leastTtl} goto f${slot}`,
    `ip6 saddr ${inside.ipv6} ip6 nexthdr != { tcp, udp, icmpv6 } goto f${slot}`,
    `ip6 saddr ${inside.ipv6} meta l4proto { tcp, udp } ip6 hoplimit < ${leastTtl} goto f${slot}`,
    `ip daddr ${gateway.ipv4} meta l4proto { tcp, udp } th dport 53 notrack`,
  ];
}

function rulesOut(rules: SandboxRules): string[] {
  const { slot, serial, grants, limits } = rules;
  const { inside, uplink } = addressesOf(slot);
  const exact = grants.hosts.flatMap(({ named }) => named).filter(isOneAddress);
  return [
    `ip saddr != ${inside.ipv4} drop`,
    `ip6 saddr != ${inside.ipv6} drop`,
    ...rates(limits, `l${slot}`),
    ...shareOf(rules),
    // To another sandbox.
    `oifname != "${uplink}" goto r${slot}`,
    'ct state invalid drop',
    `ct state established,related ct mark ${serial} accept`,
    `ct state != new goto r${slot}`,
    // Addresses of this host: opened only where the operator named that very address.
    ...[...new Set(exact.map((one) => `${nameOf(one.family)} daddr ${plain(one)}`))].map(
      (match) => `${match} jump o${slot}`,
    ),
    ...grants.networks.filter(isExact).map((grant) => `${matchOf(grant)} goto n${slot}`),
    `ip daddr @own4 goto r${slot}`,
    `ip6 daddr @own6 goto r${slot}`,
    // The resolver has held these against what is refused.
    `jump o${slot}`,
    ...grants.networks.filter(({ named }) => named).map((grant) => `${matchOf(grant)} goto n${slot}`),
    `ip daddr @refused4 goto r${slot}`,
    `ip6 daddr @refused6 goto r${slot}`,
    ...grants.networks.filter(({ named }) => !named).map((grant) => `${matchOf(grant)} goto n${slot}`),
    `goto r${slot}`,
  ];
}

function shareOf({ share }: SandboxRules): string[] {
  return share === undefined ? [] : [`meta priority set ${share}`];
}

function openSets(slot: number, service: number): string[] {
  return ([4, 6] as const).map(
    (family) =>
      `set ${setOf(slot, service, family)} { type ipv${family}_addr; flags timeout; size ${setSize};\n  }`,
  );
}

function openTo(slot: number, { protocol, ports }: Service, place: number): string[] {
  return ([4, 6] as const).map(
    (family) =>
      `${nameOf(family)} daddr @${setOf(slot, place, family)} ${protocol} dport { ${ports.join(', ')} } goto n${slot}`,
  );
}

function setOf(slot: number, service: number, family: 4 | 6): string {
  return `a${slot}p${service}v${family}`;
}

/** To the router itself: questions to the resolver, and who has which hardware address. */
function rulesIn(slot: number): string[] {
  const { inside, gateway } = addressesOf(slot);
  const resolver = `ip daddr ${gateway.ipv4} meta l4proto { tcp, udp } th dport 53`;
  return [
    'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } limit rate 10/second accept',
    `ip saddr != ${inside.ipv4} drop`,
    `ip6 saddr != ${inside.ipv6} drop`,
    `${resolver} limit rate over ${dnsPerSecond}/second burst ${2 * dnsPerSecond} packets goto l${slot}`,
    `${resolver} accept`,
    `goto r${slot}`,
  ];
}

function rates({ packetsPerSecond, bytesPerSecond }: EgressLimits, over: string): string[] {
  return [
    `limit rate over ${packetsPerSecond}/second burst ${packetsPerSecond} packets goto ${over}`,
    `limit rate over ${bytesPerSecond} bytes/second burst ${Math.max(65_536, Math.ceil(bytesPerSecond / 4))} bytes goto ${over}`,
  ];
}

function matchOf({ network, protocol, ports }: CidrGrant): string {
  const where = `${nameOf(network.family)} daddr ${plain(network)} meta l4proto ${protocol}`;
  return ports === undefined ? where : `${where} th dport { ${[...new Set(ports)].join(', ')} }`;
}

function isExact({ network, exact }: CidrGrant): boolean {
  return exact && isOneAddress(network);
}

function isOneAddress({ bytes, prefix }: Network): boolean {
  return prefix === bytes.length * 8;
}

function nameOf(family: 4 | 6): string {
  return family === 4 ? 'ip' : 'ip6';
}

/** nft takes an address without its prefix where there is only one. */
function plain(network: Network): string {
  return isOneAddress(network) ? (network.text.split('/')[0] ?? '') : network.text;
}

/** Intervals may not overlap: what lies in a wider network is left out. */
function refusedOf(family: 4 | 6): Network[] {
  const all = refusedNetworks.map(({ network }) => network).filter((network) => network.family === family);
  return all.filter((network) => !all.some((other) => other !== network && contains(other, network)));
}

function texts(networks: readonly Network[]): string {
  return networks.map(plain).join(', ');
}

function elements(networks: readonly Network[], family: 4 | 6): string {
  const list = networks.filter((network) => network.family === family);
  return list.length === 0 ? '' : `elements = { ${texts(list)} }`;
}

function lines(rules: readonly string[]): string {
  return rules.join('\n    ');
}
