/**
 * The packet filter as text for `nft -f`: what every router has, and what one sandbox gets. Pure, and made of numbers
 * and parsed networks only. Nothing passes but what a rule here accepts.
 *
 * A packet of a sandbox goes through its chain `s<slot>`: is it from its own address, within its rates, of a
 * connection that was let through (`ct mark`, a serial that is never used again, so that a sandbox can't go on with
 * connections of the one that had its addresses before), or a new one to what is open. What is refused is traced
 * (`nftrace`) in a chain whose name says why and whose it is (`r<slot>`, `l<slot>`), which is how Ward hears of it.
 */
import type { CidrGrant, EgressGrants } from '../grants.ts';
import type { EgressLimits } from '../limits.ts';
import { contains, type Network } from '../networks.ts';
import { refusedNetworks } from '../refused-networks.ts';
import type { EgressProtocol } from '../rules.ts';
import { addressesOf, linkName, uplinkName } from './addresses.ts';

export const table = 'inet ward';
const refusalChain = 'refused';
const limitChain = 'limited';
const markChain = 'marked';

/** Addresses that a name has led to, for one sandbox at a time. */
export interface Opening {
  readonly address: Network;
  readonly protocol: EgressProtocol;
  readonly ports: readonly number[];
}

export interface SandboxRules {
  readonly slot: number;
  /** 1 to 2^31, never used twice. */
  readonly serial: number;
  readonly grants: EgressGrants;
  readonly limits: EgressLimits;
}

/** Open addresses and ports of one sandbox. Whoever needs more waits until some expire. */
const maxOpen = 8192;
const dnsPerSecond = 100;

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
  map ways { type ifname : verdict;
  }
  map returns { type ifname : verdict;
  }
  map questions { type ifname : verdict;
  }
  chain forward { type filter hook forward priority filter; policy drop;
    iifname "${uplinkName}" oifname vmap @returns
    iifname "${uplinkName}" drop
    iifname vmap @ways
  }
  chain input { type filter hook input priority filter; policy drop;
    iifname "lo" udp dport 20000-29999 meta nftrace set 1 goto ${markChain}
    iifname vmap @questions
  }
  chain postrouting { type nat hook postrouting priority srcnat;
    oifname "${uplinkName}" masquerade
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
  const { slot, limits } = rules;
  const { link } = addressesOf(slot);
  return `table ${table} {
  set a${slot}v4 { type ipv4_addr . inet_proto . inet_service; flags timeout; size ${maxOpen};
  }
  set a${slot}v6 { type ipv6_addr . inet_proto . inet_service; flags timeout; size ${maxOpen};
  }
  chain r${slot} { limit rate 10/second burst 20 packets meta nftrace set 1
    goto ${refusalChain}
  }
  chain l${slot} { limit rate 2/second burst 4 packets meta nftrace set 1
    goto ${limitChain}
  }
  chain n${slot} { ct count over ${limits.connections} goto l${slot}
    limit rate over ${limits.connectionsPerSecond}/second burst ${2 * limits.connectionsPerSecond} packets goto l${slot}
    ct mark set ${rules.serial} accept
  }
  chain s${slot} {
    ${lines(rulesOut(rules))}
  }
  chain d${slot} {
    ${lines([...rates(limits, `l${slot}`), `ct state established,related ct mark ${rules.serial} accept`, 'drop'])}
  }
  chain q${slot} {
    ${lines(rulesIn(slot))}
  }
}
add element ${table} ways { "${link}" : goto s${slot} }
add element ${table} returns { "${link}" : goto d${slot} }
add element ${table} questions { "${link}" : goto q${slot} }
`;
}

export function removalOf(slot: number): string {
  const link = linkName(slot);
  return [
    ...['ways', 'returns', 'questions'].map((map) => `delete element ${table} ${map} { "${link}" }`),
    // What refers to another goes first.
    ...['s', 'd', 'q', 'n', 'r', 'l'].map((chain) => `delete chain ${table} ${chain}${slot}`),
    ...['v4', 'v6'].map((family) => `delete set ${table} a${slot}${family}`),
    '',
  ].join('\n');
}

/** Opens, or keeps open, for `seconds`. What is there already is replaced, because its time would stay. */
export function openingOf(slot: number, openings: readonly Opening[], seconds: number): string {
  return ([4, 6] as const)
    .flatMap((family) => {
      const keys = openings.filter(({ address }) => address.family === family).flatMap(keysOf);
      if (keys.length === 0) return [];
      const set = `${table} a${slot}v${family}`;
      const timed = (time: number) => keys.map((key) => `${key} timeout ${time}s`).join(', ');
      return [
        `add element ${set} { ${timed(1)} }`,
        `delete element ${set} { ${keys.join(', ')} }`,
        `add element ${set} { ${timed(seconds)} }`,
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

function rulesOut({ slot, serial, grants, limits }: SandboxRules): string[] {
  const { inside } = addressesOf(slot);
  const isOpen = ([4, 6] as const).map(
    (family) => `${nameOf(family)} daddr . meta l4proto . th dport @a${slot}v${family}`,
  );
  const exact = grants.hosts.flatMap(({ named }) => named).filter(isOneAddress);
  return [
    `ip saddr != ${inside.ipv4} drop`,
    `ip6 saddr != ${inside.ipv6} drop`,
    ...rates(limits, `l${slot}`),
    'ct state invalid drop',
    `ct state established,related ct mark ${serial} accept`,
    `ct state != new goto r${slot}`,
    // Addresses of this host: opened only where the operator named that very address.
    ...exact.map(
      (one) => `${nameOf(one.family)} daddr ${plain(one)} ${isOpen[one.family === 4 ? 0 : 1]} goto n${slot}`,
    ),
    ...grants.networks.filter(isExact).map((grant) => `${matchOf(grant)} goto n${slot}`),
    `ip daddr @own4 goto r${slot}`,
    `ip6 daddr @own6 goto r${slot}`,
    // The resolver has held these against what is refused.
    ...isOpen.map((match) => `${match} goto n${slot}`),
    ...grants.networks.filter(({ named }) => named).map((grant) => `${matchOf(grant)} goto n${slot}`),
    `ip daddr @refused4 goto r${slot}`,
    `ip6 daddr @refused6 goto r${slot}`,
    ...grants.networks.filter(({ named }) => !named).map((grant) => `${matchOf(grant)} goto n${slot}`),
    `goto r${slot}`,
  ];
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

function keysOf({ address, protocol, ports }: Opening): string[] {
  return [...new Set(ports)].map((port) => `${plain(address)} . ${protocol} . ${port}`);
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
