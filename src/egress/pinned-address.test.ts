import { expect, test } from 'vitest';
import { closedCeiling, type EgressCeiling, egressCeilingSchema } from './grants.ts';
import { parseAddress } from './networks.ts';
import { pinAddress, requireAllowedHost } from './pinned-address.ts';

const ceiling = (value: unknown): EgressCeiling => egressCeilingSchema.parse(value);
const open = ceiling('public');
const own = ['203.0.113.9'].flatMap((text) => parseAddress(text) ?? []);
const pin = (host: string, addresses: readonly string[], allowed = open) =>
  pinAddress({ host, port: 443 }, allowed, async () => addresses, own);

test.each([
  ['a name with a public address', 'log.example', ['198.51.100.7'], '198.51.100.7'],
  ['a name of which one address is allowed', 'log.example', ['10.0.0.1', '198.51.100.7'], '198.51.100.7'],
  ['a public address', '198.51.100.7', [], '198.51.100.7'],
  ['a public IPv6 address', '2001:db8::7', [], '2001:db8::7'],
])('%s is allowed', async (_, host, addresses, pinned) => {
  expect(await pin(host, addresses)).toBe(pinned);
});

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '168.63.129.16',
  '100.64.0.1',
  '0.0.0.0',
  '::1',
  'fe80::1',
  'fd00:ec2::254',
  '::ffff:127.0.0.1',
  '64:ff9b::7f00:1',
  '203.0.113.9',
])('%s is refused, whether it is written or behind a name', async (address) => {
  await expect(pin(address, [])).rejects.toMatchObject({ code: 'EGRESS_EXCEEDED' });
  await expect(pin('log.example', [address])).rejects.toMatchObject({ code: 'EGRESS_EXCEEDED' });
});

test('an operator allows a private network, an address of this host, and only some ports', async () => {
  const allowed = ceiling([{ cidr: '10.0.0.0/8', ports: [443] }, { cidr: '203.0.113.9' }]);
  expect(await pin('10.1.2.3', [], allowed)).toBe('10.1.2.3');
  expect(await pin('203.0.113.9', [], allowed)).toBe('203.0.113.9');
  expect(await pin('log.example', ['10.1.2.3'], allowed)).toBe('10.1.2.3');
  const elsewhere = { host: '10.1.2.3', port: 22 };
  await expect(pinAddress(elsewhere, allowed, undefined, own)).rejects.toMatchObject({
    code: 'EGRESS_EXCEEDED',
  });
  await expect(pin('198.51.100.7', [], allowed)).rejects.toMatchObject({ code: 'EGRESS_EXCEEDED' });
});

test('a name is resolved once, so another answer later leads nowhere', async () => {
  const answers = [['198.51.100.7'], ['127.0.0.1']];
  const resolve = async () => answers.shift() ?? [];
  expect(await pinAddress({ host: 'log.example', port: 443 }, open, resolve, own)).toBe('198.51.100.7');
  expect(answers).toHaveLength(1);
});

test('a name without an address, and what is no name', async () => {
  await expect(pin('log.example', [])).rejects.toMatchObject({ code: 'EGRESS_UNRESOLVED' });
  for (const host of ['a b', '127.1', '0x7f.1', 'log.example/x', '']) {
    await expect(pin(host, ['198.51.100.7'])).rejects.toMatchObject({ code: 'EGRESS_INVALID' });
  }
});

test('without a ceiling nothing is allowed, and nothing is resolved to find that out', () => {
  expect(() => requireAllowedHost({ host: 'log.example', port: 443 }, closedCeiling)).toThrow('not allowed');
  expect(() => requireAllowedHost({ host: 'log.example', port: 443 }, open)).not.toThrow();
});
