import { describe, expect, it } from 'vitest';
import { addressesOf, maxSlots, slotOfAddress } from '../addresses.ts';
import { defaultEgressLimits } from '../limits.ts';
import { parseTrace } from './refusals.ts';

describe('addresses', () => {
  it('belong to one slot, and identify it', () => {
    const seen = new Set<string>();
    for (const slot of [1, 2, 125, 126, 127, 128, 32_765, 32_766, 32_767, 40_000, maxSlots]) {
      const { inside, gateway } = addressesOf(slot);
      for (const end of [inside, gateway]) {
        expect(end.ipv4).toMatch(/^198\.1[89]\.\d{1,3}\.\d{1,3}$/);
        for (const text of [end.ipv4, end.ipv6, end.mac]) {
          expect(seen.has(text)).toBe(false);
          seen.add(text);
        }
      }
      expect([slotOfAddress(inside.ipv4), slotOfAddress(gateway.ipv4)]).toEqual([slot, undefined]);
    }
  });

  it.each(['198.18.0.1', '198.18.0.2', '198.18.0.5', '127.0.0.1', '198.20.0.7', '', '198.17.0.7'])(
    '%j is no slot’s',
    (text) => {
      expect(slotOfAddress(text)).toBeUndefined();
    },
  );
});

describe('a line of the trace', () => {
  const head = 'trace id 3cadca2b inet ward';
  const ether = 'iif 3 oif "up0" ether saddr 12:49:8f:f9:f4:a2 ether daddr ba:b1:46:7d:fe:37';

  it.each([
    [
      `${head} r7 packet: ${ether} ip saddr 198.18.0.19 ip daddr 10.0.0.1 ip dscp 0x00 ip ecn 0x0 ip ttl 63 ip id 53290 ip protocol 6 ip length 60 tcp sport 38882 tcp dport 80 tcp flags == 0x2 tcp window 64240 `,
      { slot: 7, reason: 'closed', address: '10.0.0.1', protocol: 'tcp', port: 80 },
    ],
    [
      `${head} l12 packet: ${ether} ip6 saddr fd57:: ip6 daddr 2001:db8::1 ip6 dscp 0x00 ip6 hoplimit 63 ip6 nexthdr 17 ip6 length 40 udp sport 1 udp dport 53 `,
      { slot: 12, reason: 'limit', address: '2001:db8::1', protocol: 'udp', port: 53 },
    ],
    [
      `${head} r7 packet: ${ether} ip saddr 198.18.0.19 ip daddr 10.0.0.1 ip protocol 1 ip length 60 icmp type 8`,
      { slot: 7, reason: 'closed', address: '10.0.0.1', protocol: 'protocol 1', port: 0 },
    ],
    [
      `${head} input packet: iif "lo" ip saddr 127.0.0.1 ip daddr 127.0.0.1 ip protocol 17 udp sport 53 udp dport 20002`,
      { slot: undefined, reason: 'closed', address: '127.0.0.1', protocol: 'udp', port: 20_002 },
    ],
  ])('%s', (line, packet) => {
    expect(parseTrace(line)).toEqual(packet);
  });

  it.each([
    '',
    `${head} r7 rule goto refused (verdict goto refused)`,
    'trace id 1 inet other r7 packet: ip saddr 1.1.1.1 ip daddr 2.2.2.2',
  ])('%j shows no packet', (line) => {
    expect(parseTrace(line)).toBeUndefined();
  });
});

it('the default limits are those of the documents', () => {
  expect(defaultEgressLimits).toEqual({
    connections: 256,
    connectionsPerSecond: 50,
    packetsPerSecond: 20_000,
    bytesPerSecond: 33_554_432,
    machineBytesPerSecond: 104_857_600,
  });
});
