/** A whole Ward that speaks TLS: its clients of both protocols, new certificates while it serves, and bad ones. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { freePort } from '../src/lib/free-ports.fixture.ts';
import { makeAuthority, type TestAuthority, type TestPair } from '../src/lib/key-pairs.fixture.ts';
import { deployHeld } from './held-action.ts';
import { onlyOneMachine } from './one-machine.ts';
import { launcher, missingForSandboxes, runWard, Ward } from './ward.ts';

const missing = missingForSandboxes();
const root = '/api/v1/namespaces/_';

interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

describe.skipIf(missing !== undefined)(`TLS${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let authority: TestAuthority;
  let config: { tls: PairFiles & { others: PairFiles[]; redirect: string; hstsSeconds: number } };
  let ward: Ward;
  let said: () => string;
  let plainUrl: string;
  const sessions: ClientHttp2Session[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-tls-'));
    authority = await makeAuthority();
    setDefaultCACertificates([...getCACertificates('default'), authority.cert]);
    const redirect = `127.0.0.1:${await freePort()}`;
    plainUrl = `http://${redirect}`;
    const filesOf = (name: string) => ({
      cert: join(folder, `${name}.crt`),
      key: join(folder, `${name}.key`),
    });
    config = { tls: { ...filesOf('tls'), others: [filesOf('other')], redirect, hstsSeconds: 60 } };
    await place(await authority.issue());
    await place(await authority.issue(['other.example']), config.tls.others[0]);
    // An invoker has to trust the authority of its API node, and reads it as the user of a server.
    const env = { NODE_EXTRA_CA_CERTS: join(folder, 'authority.crt') };
    await chmod(folder, 0o755);
    await writeFile(env.NODE_EXTRA_CA_CERTS, authority.cert);
    ({ ward, said } = await Ward.startSaying(config, undefined, undefined, { env }));
  });
  afterAll(async () => {
    for (const session of sessions) session.destroy();
    await ward?.[Symbol.asyncDispose]();
    await authority?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function place({ cert, key }: TestPair, files: PairFiles = config.tls): Promise<void> {
    await writeFile(files.cert, cert);
    await writeFile(files.key, key);
  }
  const open = (servername?: string): ClientHttp2Session => {
    const session = connectHttp2(ward.url, servername === undefined ? {} : { servername });
    session.on('error', () => {});
    sessions.push(session);
    return session;
  };
  const authorization = () => `Basic ${Buffer.from(ward.auth).toString('base64')}`;
  async function answerOf(stream: ClientHttp2Stream) {
    const [[headers], body] = await Promise.all([once(stream, 'response'), text(stream)]);
    return { status: headers[':status'] as number, headers, body };
  }
  const send = (
    session: ClientHttp2Session,
    method: string,
    path: string,
    body?: string | Buffer,
    more = {},
  ) => {
    const stream = session.request(
      { ':method': method, ':path': path, authorization: authorization(), ...more },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    return answerOf(stream);
  };
  const namesShown = async (servername?: string) => {
    const session = open(servername);
    await once(session, 'connect');
    const { subjectaltname } = (session.socket as TLSSocket).getPeerCertificate();
    session.destroy();
    return subjectaltname ?? '';
  };

  it('every part of Ward calls its address https', async () => {
    // Node says so of a file that the server can't read.
    expect(said()).not.toContain('Ignoring extra certs');
    expect(ward.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect((await readFile(join(ward.dataDir, 'address'), 'utf8')).trim()).toBe(ward.url);
    await ward.deploy('where', 'const main = () => ({ at: process.env.__OW_API_HOST })');
    expect((await ward.invoke('where')).body.response.result).toEqual({ at: ward.url });
    const { body } = await ward.request('GET', '/metrics');
    const [, until] = /^ward_certificate_not_after_seconds (\S+)$/m.exec(body) ?? [];
    expect(Number(until) * 1000).toBeGreaterThan(Date.now());
  });

  it('the command line trusts an authority that it is given, and no other', async () => {
    const list = (env: NodeJS.ProcessEnv, ...flags: string[]) =>
      runWard(['action', 'list', ...flags], {
        env: { WARD_APIHOST: ward.url, WARD_AUTH: ward.auth, ...env },
      });
    expect(await list({ NODE_EXTRA_CA_CERTS: authority.file })).toMatchObject({ code: 0 });
    const strange = await list({});
    expect(strange).toMatchObject({ code: 6, stderr: expect.stringContaining('NODE_EXTRA_CA_CERTS=FILE') });
    expect(await list({}, '-i')).toMatchObject({ code: 0 });
    const plain = await list({ WARD_APIHOST: ward.url.replace('https', 'http') });
    expect(plain.stderr).toContain('This port speaks TLS');
    // Without an address it finds the server of the data folder, and its key.
    const own = {
      WARD_APIHOST: '',
      WARD_AUTH: '',
      WARD_DATA: ward.dataDir,
      NODE_EXTRA_CA_CERTS: authority.file,
    };
    expect(await list(own)).toMatchObject({ code: 0, stdout: expect.stringContaining('where') });
  });

  it('a log follows live over HTTP/2, beside calls on the same connection', async () => {
    const slow = await deployHeld(ward, 'slow');
    const session = open();
    const json = { 'content-type': 'application/json' };
    const { body } = await send(session, 'POST', `${root}/actions/slow`, '{}', json);
    const stream = session.request({
      ':path': `${root}/activations/${JSON.parse(body).activationId}/stream`,
      authorization: authorization(),
      accept: 'text/event-stream',
    });
    let heard = '';
    stream.on('data', (chunk) => {
      heard += chunk;
    });
    await ward.until(() => heard.includes('begun'));
    const call = await send(session, 'POST', `${root}/actions/where?blocking=true&result=true`, '{}', json);
    expect(JSON.parse(call.body)).toEqual({ at: ward.url });
    await slow.release();
    await once(stream, 'end');
    expect(heard).toContain('event: end');
    session.close();
  });

  it('the console loads, logs in and is live over one connection of HTTP/2', async () => {
    const session = open();
    const ask = (path: string, headers = {}) => answerOf(session.request({ ':path': path, ...headers }));
    const document = await ask('/console/');
    expect(document).toMatchObject({ status: 200, headers: { 'strict-transport-security': 'max-age=60' } });
    const files = Array.from(
      document.body.matchAll(/(?:src|href)="([^":]+)"/g),
      ([, reference = '']) => new URL(reference, `${ward.url}/console/`).pathname,
    );
    expect(files.some((path) => path.endsWith('.js'))).toBe(true);
    const answers = await Promise.all(files.map((path) => ask(path)));
    expect(answers.map(({ status }) => status)).toEqual(files.map(() => 200));

    const fromPage = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin', authorization: undefined };
    const key = JSON.stringify({ key: ward.auth });
    const asJson = { ...fromPage, 'content-type': 'application/json' };
    const login = await send(session, 'POST', '/console/session', key, asJson);
    const [cookie = ''] = login.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^__Host-ward-key=.*; Secure/);
    const path = '/ward/v1/namespaces/_/activations/stream';
    const headers = { ...fromPage, cookie: cookie.split(';', 1)[0] };
    const stream = session.request({ ':path': path, accept: 'text/event-stream', ...headers });
    let heard = '';
    stream.on('data', (chunk) => {
      heard += chunk;
    });
    await ward.until(() => heard.includes('event: total'));
    const first = heard.length;
    await ward.deploy('shown', 'const main = () => ({})');
    await ward.invoke('shown');
    await ward.until(() => heard.slice(first).includes('event: total'));
    const list = await ask('/api/v1/namespaces/_/activations?limit=1', headers);
    expect(JSON.parse(list.body)).toMatchObject([{ name: 'shown' }]);
    expect(stream.closed).toBe(false);
  });

  it('a layer is pushed and pulled over HTTP/2', async () => {
    const session = open();
    const layer = randomBytes(8_000_000);
    const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
    const begun = await send(session, 'POST', '/v2/guest/app/blobs/uploads/', '');
    expect(begun.status).toBe(202);
    const { pathname, search } = new URL(String(begun.headers['location']), ward.url);
    const pushed = await send(session, 'PATCH', `${pathname}${search}`, layer, {
      'content-type': 'application/octet-stream',
    });
    expect(pushed.status).toBe(202);
    const next = new URL(String(pushed.headers['location']), ward.url);
    next.searchParams.set('digest', digest);
    expect(await send(session, 'PUT', `${next.pathname}${next.search}`, '')).toMatchObject({ status: 201 });
    const pull = session.request({
      ':path': `/v2/guest/app/blobs/${digest}`,
      authorization: authorization(),
    });
    const hash = createHash('sha256');
    for await (const piece of pull) hash.update(piece);
    expect(`sha256:${hash.digest('hex')}`).toBe(digest);
    session.close();
  });

  it('a new pair is used without a dropped connection; a bad one is refused, and the old one stays', async () => {
    const old = open();
    expect((await send(old, 'GET', '/ping')).body).toBe('pong');
    await place(await authority.issue(['second.example']));
    await ward.until(async () => (await namesShown()).includes('second.example'));
    expect((await send(old, 'GET', '/ping')).body).toBe('pong');

    const third = await authority.issue(['third.example']);
    await writeFile(config.tls.cert, third.cert);
    await ward.until(() => said().includes('is not the key of the certificate'));
    expect(said()).toContain('the new certificate is refused, the old one stays in use');
    expect(await namesShown()).toContain('second.example');
    await place(third);
    await ward.until(async () => (await namesShown()).includes('third.example'));
    expect((await send(old, 'GET', '/ping')).body).toBe('pong');
    old.close();
  });

  it('another name has a pair of its own, which is replaced in the same way', async () => {
    const other = 'other.example';
    expect(await namesShown(other)).toContain(other);
    expect(await namesShown()).not.toContain(other);
    await place(await authority.issue([other, 'added.example']), config.tls.others[0]);
    await ward.until(async () => (await namesShown(other)).includes('added.example'));
    expect(await namesShown()).not.toContain(other);
  });

  it('plain HTTP leads browsers to https, but nothing that is secret', async () => {
    const placeFor = async (host: string) => {
      const sent = request(`${plainUrl}/page`, { headers: { host }, agent: false }).end();
      const [answer] = await once(sent, 'response');
      answer.resume();
      return answer.headers.location;
    };
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${plainUrl}${path}`, { redirect: 'manual', ...init });
    const moved = await ask('/api/v1/web/guest/default/page?a=1');
    expect(moved.status).toBe(308);
    expect(moved.headers.get('location')).toBe(`${ward.url}/api/v1/web/guest/default/page?a=1`);
    for (const host of ['stranger.example', '192.0.2.1', '[2001:db8::1]:80', 'no host'])
      expect(await placeFor(host)).toBe(`${ward.url}/page`);
    for (const answer of [
      await ask(`${root}/actions`, { headers: { authorization: authorization() } }),
      await ask('/webhooks/secret'),
      await ask('/api/v1/web/guest/default/page', { method: 'POST', body: 'secret' }),
    ]) {
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ hint: expect.stringContaining('replace a key') });
    }
    await ward.until(() => said().includes('a key came in clear and was refused'));
    const strict = await fetch(`${ward.url}/ping`);
    expect(strict.headers.get('strict-transport-security')).toBe('max-age=60');
  });

  it('`ward up --take-over` takes over the port of TLS', async () => {
    onlyOneMachine('a node for the API takes no socket over');
    const next = await Ward.startSaying(config, ward.dataDir, launcher, { flags: ['--take-over'] });
    expect(next.ward.url).toBe(ward.url);
    expect(await ward.ended()).toBe(0);
    ({ ward, said } = next);
    expect((await ward.request('GET', '/ping')).body).toBe('pong');
    expect((await fetch(`${plainUrl}/ping`, { redirect: 'manual' })).status).toBe(308);
  });

  it('does not start with an expired certificate, and says why', async () => {
    await place(await authority.issue([], '20200101000000Z'));
    const configFile = join(folder, 'bad.yaml');
    await writeFile(configFile, stringify(config));
    const data = join(folder, 'data');
    const { code, stderr } = await runWard(['up', '--data', data, '--config', configFile]);
    expect(stderr).toMatch(/error\[TLS_UNFIT\]: .* expired at 2020-01-01T.*\ntry: +renew it/);
    expect(code).toBe(2);
  });
});
