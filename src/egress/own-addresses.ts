/** Addresses of this host, where Ward's API and services of its owner listen: no name leads there. */
import { networkInterfaces } from 'node:os';
import { type Network, parseAddress } from './networks.ts';

const everyMs = 5000;

export function readOwnAddresses(): readonly Network[] {
  const found = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  const texts = new Set(found.map(({ address }) => address.split('%')[0] ?? ''));
  return [...texts].flatMap((text) => parseAddress(text) ?? []);
}

export interface OwnAddresses extends Disposable {
  read(): readonly Network[];
}

/** @param onChange Hears of them when they are no longer what they were. */
export function watchOwnAddresses(onChange: (own: readonly Network[]) => void): OwnAddresses {
  let known = readOwnAddresses();
  const read = () => {
    const now = readOwnAddresses();
    const textOf = (addresses: readonly Network[]) => addresses.map(({ text }) => text).join(' ');
    if (textOf(now) !== textOf(known)) {
      known = now;
      onChange(now);
    }
    return known;
  };
  const timer = setInterval(read, everyMs);
  timer.unref();
  return { read, [Symbol.dispose]: () => clearInterval(timer) };
}
