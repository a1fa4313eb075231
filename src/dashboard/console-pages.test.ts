/** The files of the console as browsers get them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consolePages } from './console-pages.ts';

let folder: string;
let app: FastifyInstance;
/** As Vite writes it. */
const page = '<!doctype html><script type="module" crossorigin src="./assets/a-1.js"></script>';
const script = `console.log('${'x'.repeat(2000)}')`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-console-'));
  await mkdir(join(folder, 'built/assets'), { recursive: true });
  await writeFile(join(folder, 'secret.js'), 'secret\n');
  await writeFile(join(folder, 'built/stamp'), 'stamp');
  await writeFile(join(folder, 'built/index.html'), page);
  await writeFile(join(folder, 'built/assets/a-1.js'), script);
  await writeFile(join(folder, 'built/assets/a-1.js.gz'), gzipSync(script));
  app = serve(join(folder, 'built'));
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

function serve(built: string): FastifyInstance {
  const server = fastify();
  server.register(async (scope) => consolePages(built)(scope));
  return server;
}

/** The path that a browser loads for the page at this address. */
function scriptOf(address: string, html: string): string | undefined {
  const src = /^<!doctype html><script type="module" crossorigin src="([^"]*)"><\/script>$/.exec(html)?.[1];
  return src === undefined ? undefined : new URL(src, `http://ward.test${address}`).pathname;
}

test('the page has a strict policy, and is asked for each time', async () => {
  const answer = await app.inject('/console/');
  expect([answer.statusCode, scriptOf('/console/', answer.payload)]).toEqual([200, '/console/assets/a-1.js']);
  expect(answer.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  const policy = String(answer.headers['content-security-policy']).split('; ');
  expect(policy).toEqual(
    expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]),
  );
  expect(policy.join()).not.toMatch(/unsafe|\*|http/);
  const { etag } = answer.headers;
  const same = await app.inject({ url: '/console/', headers: { 'if-none-match': String(etag) } });
  expect([same.statusCode, same.payload]).toEqual([304, '']);
  const { location } = (await app.inject('/console')).headers;
  expect(new URL(String(location), 'http://ward/x/console').pathname).toBe('/x/console/');
});

test('each address of the application is its page', async () => {
  const addresses = [
    ...['index.html', 'runs', 'runs/', 'runs//a', 'runs/a?b=/c/d'],
    ...['runs/0123?name=a', 'functions/caf%C3%A9', 'triggers/a.b'],
    ...['functions/shop/hello.js', 'functions/v1.2/hello'],
  ];
  for (const address of addresses) {
    const url = `/console/${address}`;
    const { payload } = await app.inject(url);
    // A proxy may take a prefix off.
    for (const prefix of ['', '/ward', '/a/b'])
      expect(scriptOf(prefix + url, payload)).toBe(`${prefix}/console/assets/a-1.js`);
  }
});

test('the page is compressed for those who take it', async () => {
  const headers = { 'accept-encoding': 'gzip' };
  const answer = await app.inject({ url: '/console/runs/a', headers });
  expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
  const html = gunzipSync(answer.rawPayload).toString();
  expect(scriptOf('/console/runs/a', html)).toBe('/console/assets/a-1.js');
});

test('files are compressed for those who take it, and kept for ever', async () => {
  const url = '/console/assets/a-1.js';
  const plain = await app.inject(url);
  expect([plain.payload, plain.headers['content-encoding']]).toEqual([script, undefined]);
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect(plain.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(plain.headers).not.toHaveProperty('content-security-policy');
  const missing = await app.inject('/console/assets/a-2.js');
  expect(missing.headers['content-security-policy']).toContain("default-src 'none'");
  const zipped = await app.inject({ url, headers: { 'accept-encoding': 'br, gzip' } });
  expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
  expect(gunzipSync(zipped.rawPayload).toString()).toBe(script);
  expect(Number(zipped.headers['content-length'])).toBeLessThan(script.length);
});

test.each([
  ['../secret.js'],
  ['..%2fsecret.js'],
  ['%2e%2e/secret.js'],
  ['assets/..%2f..%2fsecret.js'],
  ['assets/a-1.js.gz'],
  ['assets/a-2.js'],
  ['constructor.js'],
])('there is no %s', async (name) => {
  const answer = await app.inject(`/console/${name}`);
  expect(answer.statusCode).toBe(404);
  expect(answer.payload).not.toContain('secret\n');
});

test('a console that is not built says what to run', async () => {
  await using server = serve(join(folder, 'none'));
  const answer = await server.inject('/console/');
  expect(answer.statusCode).toBe(503);
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(answer.payload).toContain('node scripts/setup.mjs');
});
