/** Addresses and networks as bytes, so that Ward compares them as the kernel does and not as text. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface Network {
  readonly family: 4 | 6;
  readonly bytes: readonly number[];
  /** Number of leading bits that belong to the network; all of them for one address. */
  readonly prefix: number;
  /** Canonical: `203.0.113.0/24`, `2001:db8::/32`. */
  readonly text: string;
}

/**
 * One address, as a network of one. Undefined for any other text, such as one with a zone or with octal or hex parts.
 */
export function parseAddress(text: string): Network | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  const bytes = ipaddr.parse(text).toByteArray();
  return networkOf(bytes, bytes.length * 8);
}

/** `203.0.113.0/24`, or a single address. Refuses bits set past the prefix, because they are probably a mistake. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const parsed = parseAddress(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  if (prefixText === undefined) return parsed;
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  if (prefix > parsed.prefix) return undefined;
  const network = networkOf(parsed.bytes, prefix);
  return isMasked(network) ? network : undefined;
}

/** Whether every address of `inner` is in `outer`. */
export function contains(outer: Network, inner: Network): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  const bits = masked(inner.bytes, outer.prefix);
  return outer.bytes.every((byte, index) => byte === bits[index]);
}

/** The address part alone: `203.0.113.7`. */
export function addressText({ bytes }: Network): string {
  return ipaddr.fromByteArray([...bytes]).toString();
}

function networkOf(bytes: readonly number[], prefix: number): Network {
  const address = ipaddr.fromByteArray([...bytes]).toString();
  return { family: bytes.length === 4 ? 4 : 6, bytes, prefix, text: `${address}/${prefix}` };
}

function isMasked({ bytes, prefix }: Network): boolean {
  const bits = masked(bytes, prefix);
  return bytes.every((byte, index) => byte === bits[index]);
}

function masked(bytes: readonly number[], prefix: number): number[] {
  return bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - index * 8));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
}
