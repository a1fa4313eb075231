import { expect, test } from 'vitest';
import { defaultAdvisorySources, isSafeUrl, parseAdvisorySources } from './sources.ts';

test('Ward’s own list: each source has TLS, a form, a licence and a size limit', () => {
  const sources = defaultAdvisorySources();
  expect(sources.length).toBeGreaterThan(40);
  for (const { name, url, maxBytes, licence } of sources) {
    expect([name, url]).toEqual([name, expect.stringMatching(/^https:\/\/[^{}]+$/)]);
    expect(maxBytes).toBeGreaterThan(1024);
    expect(licence).not.toBe('');
  }
  expect(sources.find(({ name }) => name === 'osv/Red Hat')?.url).toContain('/Red%20Hat/all.zip');
  expect(sources.find(({ name }) => name === 'alpine/v3.22/main')?.url).toContain('/v3.22/main.json');
});

const source = (rest: string) => `sources:\n  - {name: a, form: osv, licence: x, maxSize: 1m, ${rest}}\n`;

test.each([
  ['no yaml: [', 'sources'],
  ['sources: []', 'sources'],
  [source('url: "ftp://example.org/x"'), 'neither https'],
  [source('url: "http://example.org/x"'), 'neither https'],
  [source('url: "https://user:pass@example.org/x"'), 'neither https'],
  [source('url: "https://example.org/x", each: [a, b]'), 'two sources are called a'],
  [source(String.raw`url: "https://example.org/{}", each: ["\ud800"]`), 'half of a surrogate pair'],
  [source('url: "https://example.org/x", what: 1'), 'what'],
  [source('url: "https://example.org/x"').replace('osv', 'nothing'), 'form'],
  [source('url: "https://example.org/x"').replace('1m', 'much'), 'maxSize'],
])('%j is refused', (text, reason) => {
  const refused = expect.objectContaining({
    code: 'ADVISORY_SOURCES_INVALID',
    message: expect.stringContaining(reason),
  });
  expect(() => parseAdvisorySources(text)).toThrow(refused);
});

test('only the loopback works without TLS', () => {
  const safe = ['https://example.org/', 'http://127.0.0.1:1/x', 'http://localhost/', 'http://[::1]:80/'];
  expect(safe.filter(isSafeUrl)).toEqual(safe);
  const unsafe = [
    'http://127.0.0.1.example.org/',
    'http://localhost.example.org',
    'file:///etc/passwd',
    'x',
    '',
  ];
  expect(unsafe.filter(isSafeUrl)).toEqual([]);
});
