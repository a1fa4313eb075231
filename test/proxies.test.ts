/**
 * Ward behind Debian's nginx and Caddy: with defaults (only a proxy_pass or a reverse_proxy), and with the
 * configurations of docs/proxies.md, in which only addresses, ports and files are others.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { freePort } from '../src/lib/free-ports.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { makeAuthority, type TestAuthority } from '../src/lib/key-pairs.fixture.ts';
import { openBrowser } from './browser.ts';
import { deployHeld, type HeldAction } from './held-action.ts';
import {
  missingProxies,
  type ProxyProgram,
  startCaddy,
  startDocumentedCaddy,
  startDocumentedNginx,
  startNginx,
} from './proxy-programs.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? missingProxies;

describe.skipIf(missing)(`behind a proxy${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let folder: string;
  let slow: HeldAction;
  let authority: TestAuthority;
  let said: () => string;
  /** Of the documented proxies. */
  const files = () => ({ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') });
  const proxies: ProxyProgram[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-proxies-'));
    authority = await makeAuthority();
    setDefaultCACertificates([...getCACertificates('default'), authority.cert]);
    const pair = await authority.issue();
    await writeFile(files().cert, pair.cert);
    await writeFile(files().key, pair.key);
    ({ ward, said } = await Ward.startSaying({
      ...{ logLevel: 'info', accessLog: true, web: { trustedProxies: ['127.0.0.1'] } },
    }));
    slow = await deployHeld(ward, 'slow');
    for (const [tag, bytes] of [
      ['small', 100],
      ['large', 10_000_000],
    ] as const)
      await writeTestImage(join(folder, tag), {
        tag,
        layers: [await tarOf([{ name: 'data', content: randomBytes(bytes) }])],
      });
  });
  afterAll(async () => {
    await slow?.release();
    await Promise.all(proxies.map((proxy) => proxy.end()));
    await ward?.[Symbol.asyncDispose]();
    await authority?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const started = async (proxy: Promise<ProxyProgram>): Promise<ProxyProgram> => {
    const opened = await proxy;
    proxies.push(opened);
    return opened;
  };
  const plainNginx = (to: string) =>
    startNginx(folder, (port) => `server { listen ${port}; location / { proxy_pass ${to}; } }`);
  const plainCaddy = (to: string) =>
    startCaddy(folder, (port) => `http://127.0.0.1:${port} {\n\treverse_proxy ${to}\n}\n`);
  const documentedPlace = () => ({ folder, ward: ward.url, ...files() });
  const cli = (args: readonly string[], url: string) =>
    runWard(args, {
      env: { WARD_APIHOST: url, WARD_AUTH: ward.auth, NODE_EXTRA_CA_CERTS: authority.file },
    });
  const push = (url: string, tag: string) =>
    runCommand(
      [
        ...['skopeo', '--insecure-policy', 'copy', '--dest-tls-verify=false', '--dest-creds', ward.auth],
        ...[`oci:${join(folder, tag)}:${tag}`, `docker://${new URL(url).host}/guest/app:${tag}`],
      ],
      { timeoutMs: 60_000 },
    );

  describe.each([
    ['nginx by default', () => plainNginx(ward.url), false],
    ['Caddy by default', () => plainCaddy(ward.url), true],
    ['the documented nginx', () => startDocumentedNginx(documentedPlace(), false), true],
    ['the documented Caddy', () => startDocumentedCaddy(documentedPlace(), false), true],
  ])('%s', (_name, start, takesLarge) => {
    let url: string;
    beforeAll(async () => {
      ({ url } = await started(start()));
    });

    test('logs follow live', async () => {
      const { body } = await ward.request('POST', '/api/v1/namespaces/_/actions/slow');
      const stream = await fetch(`${url}/api/v1/namespaces/_/activations/${body.activationId}/stream`, {
        headers: {
          authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}`,
          accept: 'text/event-stream',
        },
      });
      let heard = '';
      for await (const chunk of stream.body ?? []) {
        heard += Buffer.from(chunk).toString();
        if (heard.includes('begun')) break;
      }
      const { status } = await ward.request('GET', `/api/v1/namespaces/_/activations/${body.activationId}`);
      // The call is still running when its first line arrives.
      expect({ heard, status }).toEqual({ heard: expect.stringContaining('begun'), status: 404 });
    });

    test('an image is pushed with a key, a wrong key is refused', async () => {
      expect(await push(url, 'small')).toMatchObject({ code: 0 });
      const wrong = await runCommand([
        ...['skopeo', 'inspect', '--tls-verify=false', '--creds', 'wrong:key'],
        `docker://${new URL(url).host}/guest/app:small`,
      ]);
      expect(wrong.code).not.toBe(0);
    });

    test(
      takesLarge
        ? 'a large layer and large code pass'
        : 'the error for a too large body names the proxy as the cause',
      async () => {
        const file = join(folder, 'large.js');
        await writeFile(file, `exports.main = () => ({}); // ${randomBytes(1_500_000).toString('hex')}`);
        const created = await cli(['action', 'update', 'large', file], url);
        const pushed = await push(url, 'large');
        if (takesLarge)
          expect([created.code, pushed.code], `${created.stderr}${pushed.stderr}`).toEqual([0, 0]);
        else {
          expect(created.code).toBe(6);
          expect(created.stderr).toMatch(
            /error\[PROXY_FAILED\]: a proxy \(nginx\S*\) before \S+ answered 413, not Ward/,
          );
          expect(created.stderr).toContain('client_max_body_size');
          expect(pushed.stderr).toContain('413');
        }
      },
    );

    test('metrics are refused through it', async () => {
      const answer = await fetch(`${url}/metrics`);
      expect(answer.status).toBe(403);
    });
  });

  describe.each([
    ['nginx', startDocumentedNginx],
    ['Caddy', startDocumentedCaddy],
  ])('the documented %s', (name, start) => {
    let proxy: ProxyProgram;
    beforeAll(async () => {
      proxy = await started(start(documentedPlace(), false));
    });

    test('logs follow live over HTTP/2, beside a call', async () => {
      const client = connectHttp2(proxy.url);
      const authorization = `Basic ${Buffer.from(ward.auth).toString('base64')}`;
      const { body } = await ward.request('POST', '/api/v1/namespaces/_/actions/slow');
      const path = `/api/v1/namespaces/_/activations/${body.activationId}/stream`;
      const stream = client.request({ ':path': path, authorization, accept: 'text/event-stream' });
      let heard = '';
      stream.on('data', (chunk) => {
        heard += chunk;
      });
      await ward.until(() => heard.includes('begun'));
      const list = client.request({ ':path': '/api/v1/namespaces', authorization });
      expect(await text(list)).toBe('["guest"]');
      expect(stream.closed).toBe(false);
      client.destroy();
    });

    test('the console is live over HTTP/2, says that its connection is lost, and heals', async () => {
      const own = `seen-through-${name}`;
      await ward.deploy(own, 'const main = () => ({})');
      await using browser = await openBrowser(proxy.url);
      const { page } = browser;
      await page.goto('/console/');
      await page.getByLabel('Key of your namespace').fill(ward.auth);
      await page.getByRole('button', { name: 'Log in', exact: true }).click();
      await page.getByRole('link', { name: 'Runs' }).click();
      await page.getByText('Live', { exact: true }).waitFor();
      expect(await page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol')).toBe('h2');
      const shown = page.getByRole('link', { name: own });
      await ward.invoke(own);
      await shown.waitFor();
      expect(browser.problems).toEqual([]);

      await proxy.end();
      await page.getByText('Connection lost').waitFor();
      await ward.invoke(own);
      await proxy.restart();
      await page.getByText('Live', { exact: true }).waitFor();
      await expect.poll(() => shown.count()).toBe(2);
    });

    test('Ward knows the address of a client that lies about it', async () => {
      const { port, host } = new URL(proxy.url);
      const from = { localAddress: '127.0.0.5', ALPNProtocols: ['h2'] };
      const socket = connectTls({ host: 'localhost', port: Number(port), ...from });
      const client = connectHttp2(`https://${host}`, { createConnection: () => socket });
      const path = `/not-here-${name}`;
      const stream = client.request({ ':path': path, 'x-forwarded-for': '6.6.6.6', 'x-real-ip': '6.6.6.6' });
      await text(stream);
      client.close();
      const line = () =>
        said()
          .split('\n')
          .find((each) => each.includes(path));
      await ward.until(() => line() !== undefined);
      expect(JSON.parse(line() ?? '')).toMatchObject({ path, address: '127.0.0.5' });
    });

    test('plain HTTP leads to https, but not with a key', async () => {
      const ask = (headers = {}) => fetch(`${proxy.plainUrl}/ping?a=1`, { redirect: 'manual', headers });
      const moved = await ask();
      expect([moved.status, moved.headers.get('location')]).toEqual([308, 'https://localhost/ping?a=1']);
      expect((await ask({ authorization: 'Basic eDp5' })).status).toBe(403);
    });
  });

  test.each([
    ['nginx', plainNginx],
    ['Caddy', plainCaddy],
  ])('a missing Ward behind %s is reported', async (name, start) => {
    const { url } = await started(start(`http://127.0.0.1:${await freePort()}`));
    const { code, stderr } = await cli(['action', 'list'], url);
    expect(stderr).toMatch(
      new RegExp(`error\\[PROXY_FAILED\\]: a proxy \\(${name}\\S*\\) before \\S+ answered 502, not Ward`),
    );
    expect(stderr).toContain('try:   start Ward behind the proxy');
    expect(code).toBe(6);
  });
});
