/**
 * Ward below a prefix of a host with other pages, behind Debian's nginx and Caddy with the configurations of
 * docs/proxies.md, in which only addresses, ports and files are others.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import openwhisk from 'openwhisk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { freePort } from '../src/lib/free-ports.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { makeAuthority, type TestAuthority } from '../src/lib/key-pairs.fixture.ts';
import { startProvider, type TestProvider } from '../src/oidc/provider.fixture.ts';
import { type ConsoleBrowser, openBrowser } from './browser.ts';
import { issuerSetting } from './console/issuer-login.ts';
import { deployHeld, type HeldAction } from './held-action.ts';
import {
  missingProxies,
  type ProxyProgram,
  startDocumentedCaddy,
  startDocumentedNginx,
} from './proxy-programs.ts';
import { missingForSandboxes, outsideEnv, runWard, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? missingProxies;
const aioProgram = fileURLToPath(new URL('./aio/run.cjs', import.meta.url));

/** Answers with what it sees of the request, and sets a cookie. */
const echo = `exports.main = ({ __ow_headers: headers = {}, __ow_path: path }) => ({
  headers: { 'set-cookie': 'planted=1; Path=/', 'content-type': 'text/html' },
  body: JSON.stringify({ cookie: headers.cookie ?? null, path }),
});`;

describe.skipIf(missing).each([
  ['nginx', startDocumentedNginx],
  ['Caddy', startDocumentedCaddy],
])(`below a prefix of %s${missing ? ` (${missing})` : ''}`, (_name, start) => {
  let folder: string;
  let authority: TestAuthority;
  let provider: TestProvider;
  let ward: Ward;
  let said: () => string;
  let slow: HeldAction;
  let proxy: ProxyProgram;
  let browser: ConsoleBrowser;
  /** Of the host, and of Ward. */
  let origin: string;
  let url: string;
  let authorization: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-prefix-'));
    authority = await makeAuthority();
    setDefaultCACertificates([...getCACertificates('default'), authority.cert]);
    const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    const pair = await authority.issue();
    await writeFile(files.cert, pair.cert);
    await writeFile(files.key, pair.key);
    const port = await freePort();
    origin = `https://localhost:${port}`;
    url = `${origin}/ward`;
    provider = await startProvider();
    ({ ward, said } = await Ward.startSaying({
      ...{ logLevel: 'info', accessLog: true, web: { trustedProxies: ['127.0.0.1'] } },
      ...{ apiHost: `${url}/`, oidc: issuerSetting(provider) },
    }));
    // Before Ward reads its keys, which this replaces.
    provider.sendBackTo(`${url}/console/session/callback`);
    authorization = `Basic ${Buffer.from(ward.auth).toString('base64')}`;
    slow = await deployHeld(ward, 'slow');
    proxy = await start({ folder, port, ward: ward.url, ...files }, true);
    browser = await openBrowser(url);
    await writeFile(join(folder, 'echo.js'), echo);
    await writeTestImage(join(folder, 'large'), {
      tag: 'large',
      layers: [await tarOf([{ name: 'data', content: randomBytes(10_000_000) }])],
    });
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await slow?.release();
    await proxy?.end();
    await ward?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
    await authority?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const cli = async (...args: readonly string[]) => {
    const env = { WARD_APIHOST: url, WARD_AUTH: ward.auth, NODE_EXTRA_CA_CERTS: authority.file };
    const { code, stdout, stderr } = await runWard(args, { env });
    expect(code, `${args.join(' ')}: ${stderr}`).toBe(0);
    return stdout.trim();
  };
  const seenBy = async (at: string, more: RequestInit = {}) => {
    const answer = await fetch(at, { ...more, headers: { cookie: 'of-another-page=1' } });
    return { answer, seen: JSON.parse(await answer.text()) };
  };

  test('ward deploys and calls, and a web action answers at the URL that it shows', async () => {
    await cli('action', 'create', 'echo', join(folder, 'echo.js'), '--web', 'true');
    const called = await cli('action', 'invoke', 'echo', '--result');
    expect(JSON.parse(called)).toMatchObject({ headers: { 'content-type': 'text/html' } });
    const shown = await cli('action', 'get', 'echo', '--url');
    expect(shown).toBe(`${url}/api/v1/web/guest/default/echo`);
    const { answer, seen } = await seenBy(`${shown}.http/a%2Fb//c`);
    expect(seen).toEqual({ cookie: null, path: '/a%2Fb//c' });
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('content-security-policy')).toMatch(/^sandbox /);
  });

  test('an API and a webhook answer at the URLs that Ward shows', async () => {
    const api = await cli('api', 'create', '/club', '/book', 'GET', 'echo', '--response-type', 'http');
    expect(api).toContain(`${url}/apis/guest/club/book`);
    expect((await seenBy(`${url}/apis/guest/club/book`)).seen).toMatchObject({ cookie: null });
    const client = openwhisk({ apihost: url, api_key: ward.auth });
    await client.triggers.create({ name: 'hook' });
    await client.rules.create({ name: 'when', action: 'echo', trigger: 'hook' });
    const name = '/whisk.system/webhooks/webhook';
    // biome-ignore lint/suspicious/noExplicitAny: the client's types lack the answer
    const made: any = await client.feeds.create({ name, trigger: 'hook', params: {} });
    const hook = made.response.result.url;
    expect(hook).toMatch(new RegExp(`^${url}/webhooks/[\\w-]{43}$`));
    expect((await fetch(hook, { method: 'POST' })).status).toBe(202);
  });

  test('aio deploys, calls and shows the URL', async () => {
    const commands = [
      'action create by-aio echo.js --web true --kind nodejs:24',
      'action invoke by-aio --blocking --result --param name Ada',
      'action get by-aio --url',
    ].map((command) => ['runtime', ...command.split(' ')]);
    const { stdout } = await runCommand([process.execPath, aioProgram, JSON.stringify(commands)], {
      cwd: folder,
      timeoutMs: 120_000,
      env: {
        ...outsideEnv(),
        ...{ HOME: folder, XDG_CONFIG_HOME: folder, USE_RUNTIME_AUTH: 'true' },
        ...{ AIO_RUNTIME_APIHOST: url, AIO_RUNTIME_AUTH: ward.auth, AIO_RUNTIME_NAMESPACE: 'guest' },
        NODE_EXTRA_CA_CERTS: authority.file,
      },
    });
    expect(stdout).toContain('planted=1');
    expect(stdout).toContain(`${url}/api/v1/web/guest/default/by-aio`);
    expect(stdout).not.toContain('failed');
  });

  test('the log of a call is followed live, where its answer leads', async () => {
    const path = `${url}/api/v1/namespaces/_/actions/slow`;
    const begun = await fetch(path, { method: 'POST', headers: { authorization } });
    const stream = new URL(begun.headers.get('location') ?? '', path);
    expect(stream.pathname).toMatch(/^\/ward\/api\/v1\//);
    const answer = await fetch(stream, { headers: { authorization, accept: 'text/event-stream' } });
    let heard = '';
    for await (const chunk of answer.body ?? []) {
      heard += Buffer.from(chunk).toString();
      if (heard.includes('begun')) break;
    }
    expect(heard).toContain('begun');
  });

  test('large code passes, and images at /v2/ of the host', async () => {
    const file = join(folder, 'large.js');
    await writeFile(file, `exports.main = () => ({}); // ${randomBytes(1_500_000).toString('hex')}`);
    await cli('action', 'update', 'large', file);
    const { host } = new URL(origin);
    const refused = await fetch(`${origin}/v2/`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="${origin}/v2/token",service="ward"`,
    ]);
    const image = `docker://${host}/guest/app:large`;
    const credentials = ['--dest-tls-verify=false', '--dest-creds', ward.auth];
    const pushed = await runCommand(
      ['skopeo', '--insecure-policy', 'copy', ...credentials, `oci:${join(folder, 'large')}:large`, image],
      { timeoutMs: 60_000 },
    );
    expect(pushed).toMatchObject({ code: 0 });
    expect(await cli('image', 'list')).toContain('guest/app');
  });

  test('Ward gets the rest of the path as it came, and other paths stay with the host', async () => {
    const path = '/not-here/a%2Fb//c';
    await fetch(`${url}${path}`, { headers: { 'x-forwarded-prefix': '/lie' } });
    await ward.until(() => said().includes(`"path":"${path}"`));
    const docs = await fetch(`${url}/api/v1/docs`, { headers: { 'x-forwarded-prefix': '/lie' } });
    const { basePath } = (await docs.json()) as { basePath: string };
    expect([docs.url, basePath]).toEqual([`${url}/api/v1/api-docs`, '/ward/api/v1']);
    expect(await (await fetch(url)).json()).toMatchObject({ description: 'OpenWhisk' });
    for (const other of ['/', '/console/', '/api/v1/namespaces', '/wardrobe/'])
      expect(await (await fetch(origin + other)).text(), other).toBe('The other pages of this host.');
    expect((await fetch(`${url}/metrics`)).status).toBe(403);
  });

  test('plain HTTP leads to https, but not with a key', async () => {
    const ask = (headers = {}) => fetch(`${proxy.plainUrl}/ward/ping?a=1`, { redirect: 'manual', headers });
    const moved = await ask();
    expect([moved.status, moved.headers.get('location')]).toEqual([308, 'https://localhost/ward/ping?a=1']);
    expect((await ask({ authorization })).status).toBe(403);
  });

  test('the console logs in by a key, is live, and reloads a page deep below it', async () => {
    const { page, context } = browser;
    await page.goto(`${url}/console`);
    await page.getByLabel('Key of your namespace').fill(ward.auth);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    await ward.deploy('seen', 'const main = () => ({})');
    await ward.invoke('seen');
    await page.getByRole('link', { name: 'seen' }).click();
    await page.getByRole('link', { name: 'seen' }).first().waitFor();
    expect(page.url()).toMatch(new RegExp(`^${url}/console/runs/[0-9a-f]{32}$`));
    await page.goto(`${url}/console/functions/seen`);
    // Its code comes later than the page.
    await page.getByRole('textbox', { name: 'Code of seen' }).waitFor();
    await page.reload();
    await page.getByRole('textbox', { name: 'Code of seen' }).waitFor();
    await page.goto(`${url}/console/functions/no%2Fsuch/a`);
    await page.getByRole('alert').waitFor();
    const cookies = await context.cookies();
    expect(cookies).toMatchObject([
      { name: '__Host-ward-key', path: '/', httpOnly: true, secure: true, sameSite: 'Strict' },
    ]);
    browser.forget(/status of 404/);
    expect(browser.problems).toEqual([]);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Key of your namespace').waitFor();
    expect(await context.cookies()).toEqual([]);
  });

  test('an operator logs in by the URL that ward prints', async () => {
    const { page } = browser;
    const args = ['console', 'login', '--data', ward.dataDir, '--config', join(ward.dataDir, 'config.yaml')];
    const { stdout } = await ward.cli([...args, '-q', '-o', 'name']);
    expect(stdout).toContain(`${url}/console/login#`);
    await page.goto(stdout.trim());
    await page.getByRole('link', { name: 'Namespaces' }).click();
    await page.getByRole('link', { name: 'whisk.system' }).waitFor();
    expect(page.url()).toBe(`${url}/console/namespaces`);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Key of your namespace').waitFor();
    expect(browser.problems).toEqual([]);
  });

  test('a person logs in at an issuer, and comes back to the page', async () => {
    const { page } = browser;
    provider.visitAs('ada');
    await page.goto(`${url}/console/runs?name=seen`);
    await page.getByRole('button', { name: `Log in with ${new URL(provider.issuer).host}` }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    expect(page.url()).toBe(`${url}/console/runs?name=seen`);
    browser.forget(new RegExp(`^a request to ${provider.issuer}/`));
    expect(browser.problems).toEqual([]);
  });
});
