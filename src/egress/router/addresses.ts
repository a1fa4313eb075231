/**
 * Addresses of Ward's own networks, inside of one router: a pair for each sandbox and one for the uplink. Pure.
 * 198.18.0.0/15 is set aside for measuring networks and routed nowhere; the other one is a private network of IPv6.
 * Nobody may name either, so that no sandbox reaches another one or the router.
 */

/** Of a number of ways at once. The first pair is the uplink's. */
export const maxSlots = 65_000;
export const uplinkName = 'up0';
/** What the sandbox calls its network device. */
export const deviceName = 'eth0';

export interface LinkEnd {
  readonly ipv4: string;
  readonly ipv6: string;
  /** Hardware address: told to both ends, so that nobody has to ask for it. */
  readonly mac: string;
}

export interface SlotAddresses {
  readonly inside: LinkEnd;
  /** The router's end: the sandbox's gateway, and where its resolver listens. */
  readonly gateway: LinkEnd;
  /** The router's device for it. */
  readonly link: string;
}

export const uplink: { readonly near: LinkEnd; readonly far: LinkEnd } = {
  near: { ipv4: '198.18.0.2', ipv6: 'fd57:4152:4400::2', mac: '02:57:44:00:00:02' },
  far: { ipv4: '198.18.0.1', ipv6: 'fd57:4152:4400::1', mac: '02:57:44:00:00:01' },
};

/** @param slot From 1 to `maxSlots`. */
export function addressesOf(slot: number): SlotAddresses {
  return { inside: end(slot, 1), gateway: end(slot, 0), link: linkName(slot) };
}

export function linkName(slot: number): string {
  return `w${slot}`;
}

/** Whose address it is; undefined when it is none inside of a sandbox. */
export function slotOfAddress(ipv4: string): number | undefined {
  const [first, second, third, fourth] = ipv4.split('.').map(Number);
  if (first !== 198 || (second ?? 0) >> 1 !== 9 || third === undefined || fourth === undefined)
    return undefined;
  const offset = (((second ?? 0) & 1) << 16) + (third << 8) + fourth - reserved;
  return offset >= 3 && offset % 2 === 1 ? (offset - 1) / 2 : undefined;
}

/** Below the pairs lies the uplink's network. */
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
