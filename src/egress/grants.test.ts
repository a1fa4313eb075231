import { describe, expect, it } from 'vitest';
import { addressRefusal, egressCeilingSchema, grantEgress, grantsFor, narrowEgress } from './grants.ts';
import { parseAddress, parseNetwork } from './networks.ts';
import { refusedAs, refusedNetworks } from './refused-networks.ts';
import { parseEgress } from './rules.ts';

const ceiling = (value: unknown) => egressCeilingSchema.parse(value);
const grants = (rules: readonly unknown[], allowed: unknown) =>
  grantEgress(parseEgress(rules), ceiling(allowed));
const address = (text: string) => {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(text);
  return parsed;
};

describe('rules within what the operator allows', () => {
  it.each([
    [['api.example.com:443'], 'public'],
    [['203.0.113.0/24'], 'public'],
    [['0.0.0.0/0', '::/0'], 'public'],
    [['api.example.com:443'], ['*.example.com:443']],
    [['*.api.example.com:443'], ['*.example.com:443']],
    [['api.example.com:443'], ['203.0.113.0/24:443']],
    [['203.0.113.128/25:443'], ['203.0.113.0/24']],
    [['10.1.0.0/16:5432'], ['public', '10.0.0.0/8:5432']],
    [['169.254.169.254/32:80'], ['169.254.169.254/32:80']],
  ])('%j is granted by %j', (rules, allowed) => {
    expect(() => grants(rules, allowed)).not.toThrow();
  });

  it.each([
    [['api.example.com:443'], 'none'],
    [['203.0.113.0/24'], 'none'],
    [['example.com:443'], ['*.example.com:443']],
    [['*.example.com:443'], ['api.example.com:443']],
    [['api.example.com:80'], ['*.example.com:443']],
    [['udp:api.example.com:443'], ['*.example.com:443']],
    [['203.0.113.0/24'], ['203.0.113.0/24:443']],
    [['203.0.112.0/23:443'], ['203.0.113.0/24:443']],
    [['10.0.0.0/8'], 'public'],
    [['10.0.0.0/8'], ['0.0.0.0/0']],
    [['127.0.0.1'], 'public'],
    [['::ffff:10.0.0.1'], 'public'],
    [['64:ff9b::a00:1'], 'public'],
    [['fd00::/8'], 'public'],
    [['198.18.0.6'], 'public'],
    [['fd57:4152:4400:1::'], ['public', 'fd00::/8']],
  ])('%j is not granted by %j', (rules, allowed) => {
    expect(() => grants(rules, allowed)).toThrow(expect.objectContaining({ code: 'EGRESS_EXCEEDED' }));
  });

  it.each([['127.0.0.0/8'], ['::1'], ['198.18.0.0/15'], ['224.0.0.0/4'], ['::ffff:0:0/96']])(
    'no operator can allow %s',
    (network) => {
      expect(egressCeilingSchema.safeParse([network]).success).toBe(false);
    },
  );

  it('a namespace’s rules bound its actions’', () => {
    const within = parseEgress(['*.example.com:443', '10.0.0.0/24']);
    expect(() => narrowEgress(parseEgress(['a.example.com:443', '10.0.0.0/25']), within)).not.toThrow();
    for (const rule of ['a.example.org:443', '10.0.1.0/24', '203.0.113.0/24', 'a.example.com:80'])
      expect(() => narrowEgress(parseEgress([rule]), within)).toThrow(/in this namespace/);
  });
});

describe('an address that a name leads to', () => {
  const why = (text: string, allowed: unknown, own: readonly string[] = []) => {
    const [grant] = grantsFor(grants(['api.example.com:443'], allowed), 'api.example.com');
    return grant && addressRefusal(grant, address(text), own.map(address));
  };

  it.each(['198.51.100.7', '2001:db8::7', '8.8.8.8'])('%s is open', (text) => {
    expect(why(text, 'public')).toBeUndefined();
  });

  it.each([
    ['10.0.0.1', 'private'],
    ['169.254.169.254', 'metadata'],
    ['127.0.0.53', 'loopback'],
    ['::ffff:8.8.8.8', 'embedded'],
    ['64:ff9b::808:808', 'embedded'],
    ['2002:808:808::', 'embedded'],
    ['fe80::1', 'link-local'],
    ['198.19.255.255', 'Ward'],
  ])('%s is refused: %s', (text, reason) => {
    expect(why(text, 'public')).toContain(reason);
  });

  it('is open in a network that the operator named, and only there', () => {
    expect(why('10.0.0.1', ['public', '10.0.0.0/24:443'])).toBeUndefined();
    expect(why('10.0.1.1', ['public', '10.0.0.0/24:443'])).toContain('private');
    expect(why('10.0.0.1', ['public', '10.0.0.0/24:80'])).toContain('private');
    expect(why('10.0.0.1', ['public', '0.0.0.0/0'])).toContain('private');
    expect(why('198.51.100.7', ['10.0.0.0/24:443'])).toContain('operator');
  });

  it('is refused when it is this host’s, unless the operator named exactly that address', () => {
    expect(why('203.0.113.1', 'public', ['203.0.113.1'])).toBe('an address of this host');
    expect(why('203.0.113.1', ['public', '203.0.113.0/24'], ['203.0.113.1'])).toBe('an address of this host');
    expect(why('203.0.113.1', ['public', '203.0.113.1/32'], ['203.0.113.1'])).toBeUndefined();
  });
});

describe('refused networks', () => {
  it('leave out nothing that is not global unicast', () => {
    for (const text of ['::/3', '4000::/2', '8000::/1', '224.0.0.0/3', '0.0.0.0/8']) {
      const network = parseNetwork(text);
      const inside = refusedNetworks.some((entry) => entry.network.text === text) || text === '224.0.0.0/3';
      expect([text, inside, network !== undefined]).toEqual([text, true, true]);
    }
    for (const text of [
      '224.0.0.1',
      '239.255.255.255',
      '240.0.0.1',
      '255.255.255.255',
      '3fff:ffff::',
      '4000::',
    ])
      expect([text, refusedAs(address(text)) !== undefined]).toEqual([text, text !== '3fff:ffff::']);
  });
});
