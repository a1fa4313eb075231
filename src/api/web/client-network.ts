/** Identifies a client for counting its requests. */
import { isIPv6 } from 'node:net';

/** Returns an IPv4 address as it is, and the /64 network of an IPv6 address, since one client owns all of it. */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%', 1);
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(plain) ? `${groupsOf(plain).slice(0, 4).join(':')}::/64` : plain;
}

/** Returns the eight groups of an address, without leading zeros. */
function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const first = head === '' ? [] : head;
  const last = tail ?? [];
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0');
  return [...first, ...zeros, ...last].map((group) => Number.parseInt(group, 16).toString(16));
}
