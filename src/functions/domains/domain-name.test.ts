import { expect, test } from 'vitest';
import { challengeNameOf, isAtServer, nameInHost, parseDomainName } from './domain-name.ts';

test.each([
  ['shop.example.com', 'shop.example.com'],
  ['Shop.Example.COM.', 'shop.example.com'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['XN--Bcher-kva.example', 'xn--bcher-kva.example'],
  ['shop。example', 'shop.example'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
])('%s is the domain %s', (text, name) => {
  expect(parseDomainName(text)).toBe(name);
  expect(parseDomainName(name)).toBe(name);
});

test.each([
  ...['', '.', 'localhost', 'com.', '*.example.com', 'a.*.com', '127.0.0.1', '[::1]', '::1', '1.0x7f', '1.2'],
  ...['shop.example.com:443', 'a@b.example', 'b.example/x', 'b.example?x', 'b.example#x', 'b%2eexample.com'],
  ...[
    'b\\c.example',
    'a b.example',
    'a\tb.example',
    'a\nb.example',
    'a\0.example',
    ' a.example',
    'a..example',
  ],
  ...['-a.example', 'a-.example', 'a_b.example', '_ward-challenge.example.com', 'xn--.example'],
  ...[`${'a'.repeat(64)}.example`, `${'a.'.repeat(120)}example`, 'a'.repeat(5000), '1。2。3。4', '𝟙𝟚𝟟.1'],
])('%j is refused', (text) => {
  expect(() => parseDomainName(text)).toThrow(expect.objectContaining({ code: 'DOMAIN_INVALID' }));
});

test('the record of the longest name still fits into DNS', () => {
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(37)}.example`;
  expect(challengeNameOf(parseDomainName(longest))).toHaveLength(253);
  expect(() => parseDomainName(longest.replace('.example', 'd.example'))).toThrow('longer than 237');
});

test('the server’s names, and those above them, are its own', () => {
  const own = ['ward.eu.example.com', '10.1.2.3'];
  for (const name of ['ward.eu.example.com', 'eu.example.com', 'example.com'])
    expect([name, isAtServer(name, own)]).toEqual([name, true]);
  for (const name of ['shop.eu.example.com', 'a.ward.eu.example.com', 'xample.com', 'ample.com'])
    expect([name, isAtServer(name, own)]).toEqual([name, false]);
});

test.each([
  ['Shop.Example:8443', 'shop.example'],
  ['shop.example.', 'shop.example'],
  ['shop.example.:443', 'shop.example'],
  ['[::1]:80', '[::1]'],
])('the name in the host %s', (host, name) => {
  expect(nameInHost(host)).toBe(name);
});
