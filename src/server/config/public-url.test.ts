import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { prefixIn } from './public-url.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-public-url-'));
});
afterAll(() => rm(folder, { recursive: true }));

const inFile = async (text: string) => {
  const configFile = join(folder, 'ward.yaml');
  await writeFile(configFile, JSON.stringify({ apiHost: text }));
  return (await loadConfig({ configFile }, {})).apiHost;
};
const inEnvironment = async (text: string) => (await loadConfig({}, { WARD_API_HOST: text })).apiHost;

test.each([
  ['https://ward.example.com', 'https://ward.example.com', ''],
  ['https://WARD.example.com:443/', 'https://ward.example.com', ''],
  ['http://[::1]:3233', 'http://[::1]:3233', ''],
  ['https://example.com/ward/', 'https://example.com/ward', '/ward'],
  ['https://example.com/a/b-c_1.~', 'https://example.com/a/b-c_1.~', '/a/b-c_1.~'],
])('%s is %s, with the prefix "%s"', async (text, url, prefix) => {
  expect([await inFile(text), await inEnvironment(text)]).toEqual([url, url]);
  expect(prefixIn(url)).toBe(prefix);
});

test.each([
  ['ward.example.com'],
  ['ftp://example.com'],
  ['https://u:p@example.com'],
  ['https://example.com/ward?a=1'],
  ['https://example.com/ward#a'],
  ['https://example.com/w%61rd'],
  ['https://example.com/a//b'],
  ['https://example.com/ward//'],
  ['https://example.com/wärd'],
])('%s is refused', async (text) => {
  const refusal = (source: string) => ({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(`${source}.*not like https://ward`),
  });
  await expect(inFile(text)).rejects.toMatchObject(refusal('apiHost'));
  await expect(inEnvironment(text)).rejects.toMatchObject(refusal('WARD_API_HOST'));
});

test('an empty variable does not count', async () => {
  expect(await inEnvironment('')).toBeUndefined();
});
