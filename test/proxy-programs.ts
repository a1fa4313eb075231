/** Debian's nginx and Caddy as proxies of a test, at addresses of this machine. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../src/lib/free-ports.fixture.ts';
import { runCommand, startCommand } from '../src/lib/index.ts';
import { codeBlocksOf, readText } from './docs/markdown.ts';

const isInstalled = async (...argv: readonly string[]) =>
  (await runCommand(argv).catch(() => undefined))?.code === 0;
/** Undefined: both are there. */
export const missingProxies =
  (await isInstalled('nginx', '-v')) && (await isInstalled('caddy', 'version'))
    ? undefined
    : 'needs nginx and caddy';

export interface ProxyProgram {
  readonly url: string;
  /** Where it takes plain HTTP, if that is another port. */
  readonly plainUrl?: string;
  end(): Promise<void>;
  /** Starts it again, at the same addresses. */
  restart(): Promise<void>;
}

/** The code block from docs/proxies.md that has this text. */
function documented(language: string, part: string): string {
  const blocks = codeBlocksOf(readText('docs/proxies.md'));
  const block = blocks.find(({ info, text }) => info === language && text.includes(part));
  if (block === undefined) throw new Error(`docs/proxies.md has no block of ${language} with ${part}`);
  return block.text;
}

/** @throws Error when the text has no longer what is to change */
function changed(text: string, changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`docs/proxies.md does not have ${from}`);
    return before.replaceAll(from, to);
  }, text);
}

type Scheme = 'http' | 'https';

/**
 * @param site makes its configuration for an address and for the port of plain HTTP
 * @param wanted the port; absent: a free one
 */
export async function startNginx(
  folder: string,
  site: (address: string, plainPort: number) => string,
  scheme: Scheme = 'http',
  wanted?: number,
): Promise<ProxyProgram> {
  const { dir, port, plainPort } = await place(folder, wanted);
  await writeFile(
    join(dir, 'nginx.conf'),
    // Paths that it can write; all else is as in Debian.
    `daemon off; user root; pid ${dir}/pid; error_log ${dir}/error.log; events {}
http {
  access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  ${site(`127.0.0.1:${port}`, plainPort)}
}`,
  );
  const argv = ['nginx', '-p', dir, '-c', join(dir, 'nginx.conf')];
  // Its workers would outlive it when it is killed.
  return proxyOf(() => startCommand(argv, { stdio: 'ignore' }), 'SIGTERM', scheme, port, plainPort);
}

export async function startCaddy(
  folder: string,
  site: (port: number, plainPort: number) => string,
  scheme: Scheme = 'http',
  wanted?: number,
): Promise<ProxyProgram> {
  const { dir, port, plainPort } = await place(folder, wanted);
  const options = ['admin off', 'auto_https disable_redirects', 'default_bind 127.0.0.1'];
  await writeFile(join(dir, 'Caddyfile'), `{\n\t${options.join('\n\t')}\n}\n${site(port, plainPort)}`);
  const env = { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
  const argv = ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(dir, 'Caddyfile')];
  // It would wait for the end of all streams.
  return proxyOf(() => startCommand(argv, { stdio: 'ignore', env }), 'SIGKILL', scheme, port, plainPort);
}

async function place(folder: string, wanted?: number) {
  const [port, plainPort] = [wanted ?? (await freePort()), await freePort()];
  const dir = join(folder, String(port));
  await mkdir(dir);
  return { dir, port, plainPort };
}

/** Waits until it listens. */
async function proxyOf(
  launch: () => ChildProcess,
  endsBy: NodeJS.Signals,
  scheme: Scheme,
  port: number,
  plainPort: number,
): Promise<ProxyProgram> {
  const url = `${scheme}://${scheme === 'https' ? 'localhost' : '127.0.0.1'}:${port}`;
  const launched = async () => {
    const started = launch();
    while ((await fetch(`${url}/ping`).catch(() => undefined)) === undefined) {
      if (started.exitCode !== null) throw new Error(`the proxy ended with ${started.exitCode}`);
      await new Promise((go) => setTimeout(go, 10));
    }
    return started;
  };
  let child = await launched();
  return {
    url,
    plainUrl: `http://localhost:${plainPort}`,
    async end() {
      child.kill(endsBy);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
    async restart() {
      child = await launched();
    },
  };
}

export interface DocumentedPlace {
  readonly folder: string;
  /** URL of Ward itself. */
  readonly ward: string;
  /** Files. */
  readonly cert: string;
  readonly key: string;
  /** Absent: a free one. */
  readonly port?: number;
}
/** @param isBelow a prefix */
export type StartDocumented = (place: DocumentedPlace, isBelow: boolean) => Promise<ProxyProgram>;

/** With the configuration of docs/proxies.md, in which only addresses, ports and files are others. */
export const startDocumentedNginx: StartDocumented = ({ folder, ward, cert, key, port }, isBelow) => {
  const name = isBelow ? 'server_name example.com' : 'server_name ward.example.com';
  return startNginx(
    folder,
    (at, plain) =>
      changed(documented('nginx', name), [
        ['listen 443 ssl;', `listen ${at} ssl;`],
        ['listen 80;', `listen 127.0.0.1:${plain};`],
        ['/etc/ssl/ward.crt', cert],
        ['/etc/ssl/ward.key', key],
        [name, 'server_name localhost'],
        ['http://127.0.0.1:3233', ward],
      ]),
    'https',
    port,
  );
};

/** @see startDocumentedNginx */
export const startDocumentedCaddy: StartDocumented = ({ folder, ward, cert, key, port }, isBelow) => {
  const name = isBelow ? 'example.com' : 'ward.example.com';
  return startCaddy(
    folder,
    (at, plain) =>
      changed(documented('caddy', `\n${name} {`), [
        [`http://${name} {`, `http://localhost:${plain} {`],
        [`\n${name} {`, `\nlocalhost:${at} {\n\ttls ${cert} ${key}`],
        ['127.0.0.1:3233', new URL(ward).host],
      ]),
    'https',
    port,
  );
};
