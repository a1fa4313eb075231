/**
 * Ward behind Debian's nginx and Caddy: with defaults (only a proxy_pass or a reverse_proxy), and with the
 * configurations of docs/operations.md.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { freePort } from '../src/lib/free-ports.fixture.ts';
import { runCommand, startCommand } from '../src/lib/index.ts';
import { codeBlocksOf, readText } from './docs/markdown.ts';
import { deployHeld, type HeldAction } from './held-action.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const isInstalled = async (...argv: readonly string[]) =>
  (await runCommand(argv).catch(() => undefined))?.code === 0;
const hasProxies = (await isInstalled('nginx', '-v')) && (await isInstalled('caddy', 'version'));
const missing = missingForSandboxes() ?? (hasProxies ? undefined : 'needs nginx and caddy');

interface Proxy {
  readonly url: string;
  end(): Promise<void>;
}

describe.skipIf(missing)(`behind a proxy${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let folder: string;
  let slow: HeldAction;
  const proxies: Proxy[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-proxies-'));
    ward = await Ward.start();
    slow = await deployHeld(ward, 'slow');
    for (const [tag, bytes] of [
      ['small', 100],
      ['large', 3_000_000],
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
    await rm(folder, { recursive: true, force: true });
  });

  const started = async (proxy: Promise<Proxy>): Promise<string> => {
    const opened = await proxy;
    proxies.push(opened);
    return opened.url;
  };
  const plainNginx = (to: string) =>
    startNginx(folder, (port) => `server { listen ${port}; location / { proxy_pass ${to}; } }`);
  const plainCaddy = (to: string) =>
    startCaddy(folder, (port) => `http://127.0.0.1:${port} {\n\treverse_proxy ${to}\n}\n`);
  const documentedNginx = () =>
    startNginx(folder, (port) =>
      documented('nginx')
        .replace('listen 443 ssl;', `listen ${port};`)
        .replace(/^ *ssl_.*\n/gm, '')
        .replace('http://127.0.0.1:3233', ward.url),
    );
  const documentedCaddy = () =>
    startCaddy(folder, (port) =>
      documented('caddy')
        .replace('ward.example.com', `http://127.0.0.1:${port}`)
        .replace('127.0.0.1:3233', new URL(ward.url).host),
    );
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
    ['the documented nginx', documentedNginx, true],
    ['the documented Caddy', documentedCaddy, true],
  ])('%s', (_name, start, takesLarge) => {
    let url: string;
    beforeAll(async () => {
      url = await started(start());
    });

    test('logs follow live', async () => {
      const { body } = await ward.request('POST', '/api/v1/namespaces/_/actions/slow');
      const stream = await fetch(`${url}/api/v1/namespaces/_/activations/${body.activationId}/stream`, {
        headers: {
          authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}`,
          accept: 'text/event-stream',
        },
      });
      let text = '';
      for await (const chunk of stream.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.includes('begun')) break;
      }
      const { status } = await ward.request('GET', `/api/v1/namespaces/_/activations/${body.activationId}`);
      // The call is still running when its first line arrives.
      expect({ text, status }).toEqual({ text: expect.stringContaining('begun'), status: 404 });
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
        const created = await runWard(['action', 'update', 'large', file], {
          env: { WARD_APIHOST: url, WARD_AUTH: ward.auth },
        });
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

  test.each([
    ['nginx', plainNginx],
    ['Caddy', plainCaddy],
  ])('a missing Ward behind %s is reported', async (name, start) => {
    const url = await started(start(`http://127.0.0.1:${await freePort()}`));
    const { code, stderr } = await runWard(['action', 'list'], {
      env: { WARD_APIHOST: url, WARD_AUTH: ward.auth },
    });
    expect(stderr).toMatch(
      new RegExp(`error\\[PROXY_FAILED\\]: a proxy \\(${name}\\S*\\) before \\S+ answered 502, not Ward`),
    );
    expect(stderr).toContain('try:   start Ward behind the proxy');
    expect(code).toBe(6);
  });
});

/** The code block from docs/operations.md. */
function documented(language: string): string {
  const block = codeBlocksOf(readText('docs/operations.md')).find(({ info }) => info === language);
  if (block === undefined) throw new Error(`docs/operations.md has no block of ${language}`);
  return block.text;
}

async function startNginx(folder: string, site: (port: string) => string): Promise<Proxy> {
  const { dir, port } = await place(folder);
  await writeFile(
    join(dir, 'nginx.conf'),
    // Paths that it can write; all else is as in Debian.
    `daemon off; user root; pid ${dir}/pid; error_log ${dir}/error.log; events {}
http {
  access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  ${site(`127.0.0.1:${port}`)}
}`,
  );
  return proxyOf(
    startCommand(['nginx', '-p', dir, '-c', join(dir, 'nginx.conf')], { stdio: 'ignore' }),
    port,
  );
}

async function startCaddy(folder: string, site: (port: number) => string): Promise<Proxy> {
  const { dir, port } = await place(folder);
  await writeFile(join(dir, 'Caddyfile'), `{\n\tadmin off\n}\n${site(port)}`);
  const env = { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
  const argv = ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(dir, 'Caddyfile')];
  return proxyOf(startCommand(argv, { stdio: 'ignore', env }), port);
}

async function place(folder: string): Promise<{ dir: string; port: number }> {
  const port = await freePort();
  const dir = join(folder, String(port));
  await mkdir(dir);
  return { dir, port };
}

/** Waits until it listens. */
async function proxyOf(child: ChildProcess, port: number): Promise<Proxy> {
  const url = `http://127.0.0.1:${port}`;
  while ((await fetch(`${url}/ping`).catch(() => undefined)) === undefined) {
    if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}`);
    await new Promise((go) => setTimeout(go, 10));
  }
  return {
    url,
    async end() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
