import { describe, expect, it } from 'vitest';
import { describeRule, parseEgress } from './rules.ts';

describe('rules', () => {
  it.each([
    [
      { host: 'API.Example.com.', ports: [443] },
      { host: 'api.example.com', ports: [443] },
    ],
    [
      { host: '*.example.com', ports: [443, 80], protocol: 'udp' },
      { host: '*.example.com', ports: [443, 80], protocol: 'udp' },
    ],
    [{ cidr: '203.0.113.0/24' }, { cidr: '203.0.113.0/24' }],
    [
      { cidr: '203.0.113.7', ports: [1] },
      { cidr: '203.0.113.7/32', ports: [1] },
    ],
    [{ cidr: '2001:DB8:0::/32' }, { cidr: '2001:db8::/32' }],
    ['api.example.com:443', { host: 'api.example.com', ports: [443] }],
    ['udp:ntp.example.com:123', { host: 'ntp.example.com', ports: [123], protocol: 'udp' }],
    ['203.0.113.0/24', { cidr: '203.0.113.0/24' }],
    ['203.0.113.0/24:443', { cidr: '203.0.113.0/24', ports: [443] }],
    ['2001:db8::/32', { cidr: '2001:db8::/32' }],
    ['[2001:db8::/32]:443', { cidr: '2001:db8::/32', ports: [443] }],
  ])('%j is %j, and that is itself', (written, rule) => {
    expect(parseEgress([written])).toEqual([rule]);
    expect(parseEgress(parseEgress([written]))).toEqual([rule]);
  });

  it.each([
    ['api.example.com:443', /a list of rules/],
    [{}, /a list of rules/],
    [[7], /egress\[0\]/],
    [[{}], /egress\[0\]\.cidr/],
    [[{ host: 'api.example.com' }], /egress\[0\]\.ports/],
    [['api.example.com'], /egress\[0\]\.ports/],
    [[{ host: 'api.example.com', ports: [] }], /ports/],
    [[{ host: 'api.example.com', ports: [0] }], /ports/],
    [[{ host: 'api.example.com', ports: [65536] }], /ports/],
    [[{ host: '10.0.0.1', ports: [443] }], /an address as cidr/],
    [[{ host: '*.com', ports: [443] }], /host/],
    [[{ host: '*', ports: [443] }], /host/],
    [[{ host: 'a.*.com', ports: [443] }], /host/],
    [[{ host: '2130706433', ports: [443] }], /host/],
    [[{ host: '0x7f000001', ports: [443] }], /host/],
    [[{ host: 'bücher.example', ports: [443] }], /xn--/],
    [[{ host: 'a b.example', ports: [443] }], /host/],
    [[{ host: `${'a'.repeat(64)}.example`, ports: [443] }], /host/],
    [[{ host: 'x; drop', ports: [443] }], /host/],
    [[{ cidr: '203.0.113.1/24' }], /cidr/],
    [[{ cidr: '203.0.113.0/33' }], /cidr/],
    [[{ cidr: '0177.0.0.1' }], /cidr/],
    [[{ cidr: 'fe80::1%eth0' }], /cidr/],
    [[{ cidr: '::/0 } drop' }], /cidr/],
    [[{ cidr: '203.0.113.0/24', more: 1 }], /more/],
    [[{ cidr: '203.0.113.0/24', host: 'a.example', ports: [1] }], /cidr/],
    [[{ cidr: '203.0.113.0/24', protocol: 'icmp' }], /protocol/],
    [Array.from({ length: 65 }, () => ({ cidr: '203.0.113.0/24' })), /65 rules/],
  ])('%j is refused', (written, why) => {
    expect(() => parseEgress(written)).toThrow(
      expect.objectContaining({ code: 'EGRESS_INVALID', message: expect.stringMatching(why) }),
    );
  });

  it('are described in one line each', () => {
    const rules = parseEgress(['api.example.com:443', { cidr: '203.0.113.0/24', protocol: 'udp' }]);
    expect(rules.map(describeRule)).toEqual(['tcp api.example.com:443', 'udp 203.0.113.0/24:*']);
  });
});
