/**
 * Addresses of Ward's own networks inside one router: a pair for each sandbox, and one pair for all uplinks. Pure.
 * 198.18.0.0/15 is reserved for benchmarks (RFC 2544) and is not routed; the IPv6 network is a private one. No rule can
 * open either, so a sandbox reaches neither another sandbox nor the router.
 */

/** The most ways out at once. The first pair belongs to the uplinks. */
export const maxSlots = 65_000;
/**
 * MTU of the uplink's device, and so of every device on the path: a datagram that a program may send passes
 * unfragmented.
 */
export const mtu = 65_520;
/**
 * Maximum TCP segment towards a sandbox. It is smaller than the MTU, so that rate limits and shares do not stall a
 * connection.
 */
export const segment = 8960;
/** What the sandbox calls its network device. */
export const deviceName = 'eth0';

interface LinkEnd {
  readonly ipv4: string;
  readonly ipv6: string;
  /** Hardware address. Both ends know it, so neither sends neighbour requests. */
  readonly mac: string;
}

interface SlotAddresses {
  readonly inside: LinkEnd;
  /** The router's end: the sandbox's gateway, and where its resolver listens. */
  readonly gateway: LinkEnd;
  /** The router's device that leads to the sandbox. */
  readonly link: string;
  /** The router's device that leads to the sandbox's uplink. */
  readonly uplink: string;
  /** The routing table for its packets, and the preference of the rule that selects it. */
  readonly table: number;
}

/** The far end of every uplink. */
export const far: LinkEnd = { ipv4: '198.18.0.1', ipv6: 'fd57:4152:4400::1', mac: '02:57:44:00:00:01' };
/** The hardware address of every uplink's device in the router. */
export const uplinkMac = '02:57:44:00:00:02';

/** @param slot From 1 to `maxSlots`. */
export function addressesOf(slot: number): SlotAddresses {
  return {
    inside: end(slot, 1),
    gateway: end(slot, 0),
    link: `w${slot}`,
    uplink: `u${slot}`,
    table: 1000 + slot,
  };
}

/** The slot of the sandbox that has the address; undefined when no sandbox has it. */
export function slotOfAddress(ipv4: string): number | undefined {
  const [first, second, third, fourth] = ipv4.split('.').map(Number);
  if (first !== 198 || (second ?? 0) >> 1 !== 9 || third === undefined || fourth === undefined)
    return undefined;
  const offset = (((second ?? 0) & 1) << 16) + (third << 8) + fourth - reserved;
  return offset >= 3 && offset % 2 === 1 ? (offset - 1) / 2 : undefined;
}

/** Below the pairs lies the uplinks' network. */
const reserved = 4;

function end(slot: number, side: 0 | 1): LinkEnd {
  const offset = reserved + 2 * slot + side;
  const hex = slot.toString(16).padStart(4, '0');
  return {
    ipv4: `198.${18 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`,
    ipv6: `fd57:4152:4400:${slot.toString(16)}::${side}`,
    mac: `02:57:${side === 1 ? '41' : '42'}:00:${hex.slice(0, 2)}:${hex.slice(2)}`,
  };
}
