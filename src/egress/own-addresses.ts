/** Addresses of this host, where Ward's API and services of its owner listen: no name leads there. */
import { networkInterfaces } from 'node:os';
import { type Network, parseAddress } from './networks.ts';

export function readOwnAddresses(): readonly Network[] {
  const found = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  const texts = new Set(found.map(({ address }) => address.split('%')[0] ?? ''));
  return [...texts].flatMap((text) => parseAddress(text) ?? []);
}
