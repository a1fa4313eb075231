/** Hostile requests to the API: each gets a precise error, and the server keeps serving. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSandboxes, Ward } from './ward.ts';
import { zip } from './zip.ts';

const missing = missingForSandboxes();
const actions = '/api/v1/namespaces/_/actions';

interface Case {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly error: string | RegExp;
}

const hello = { exec: { kind: 'nodejs:24', code: 'function main() { return {}; }' } };

const cases: readonly Case[] = [
  {
    name: 'a truncated body',
    path: `${actions}/x`,
    body: '{"exec":{"kind":"nodej',
    status: 400,
    error: /malformed|JSON/i,
  },
  {
    name: 'a body that is not JSON',
    path: `${actions}/x`,
    body: '<xml/>',
    status: 400,
    error: /malformed|JSON/i,
  },
  {
    name: 'a deeply nested body',
    path: `${actions}/x`,
    body: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    status: 400,
    error: /nest|deep|malformed/i,
  },
  {
    name: 'a body of another type',
    path: `${actions}/x`,
    body: 'a=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    status: 415,
    error: /content-type/i,
  },
  { name: 'no exec', path: `${actions}/x`, body: {}, status: 400, error: /exec/ },
  {
    name: 'an unknown kind',
    path: `${actions}/x`,
    body: { exec: { kind: 'cobol:85', code: 'x' } },
    status: 400,
    error: /^The specified runtime 'cobol:85' is not supported by this platform\. Valid values are: /,
  },
  {
    name: 'a name of 257 characters',
    path: `${actions}/${'n'.repeat(257)}`,
    body: hello,
    status: 400,
    error: 'Name segement longer than allowed: 257 > 256.',
  },
  {
    name: 'a name with forbidden characters',
    path: `${actions}/${encodeURIComponent('a:b?c')}`,
    body: hello,
    status: 400,
    error: 'The name of the entity contains illegal characters.',
  },
  {
    name: 'a limit out of range',
    path: `${actions}/x`,
    body: { ...hello, limits: { memory: 1 } },
    status: 400,
    error: /memory/i,
  },
  {
    name: 'code that is not a zip but says it is',
    path: `${actions}/x`,
    body: { exec: { kind: 'nodejs:24', binary: true, code: 'QUJDREVGR0g=' } },
    status: 400,
    error: /zip|archive/i,
  },
  {
    name: 'parameters that are not an object',
    method: 'POST',
    path: `${actions}/hello?blocking=true`,
    body: '[1,2]',
    status: 400,
    error: /./,
  },
  {
    name: 'a payload over 1 MB',
    method: 'POST',
    path: `${actions}/hello?blocking=true`,
    body: { big: 'x'.repeat(1_100_000) },
    status: 413,
    error: /larger than allowed: \d+ > 1048576 bytes/,
  },
  {
    name: 'an unknown action',
    method: 'POST',
    path: `${actions}/nobody?blocking=true`,
    body: {},
    status: 404,
    error: 'The requested resource does not exist.',
  },
  {
    name: 'a malformed activation id',
    method: 'GET',
    path: '/api/v1/namespaces/_/activations/abc',
    status: 400,
    error: 'Activation id length is 3 but must be 32.',
  },
  {
    name: 'a limit that is not a number',
    method: 'GET',
    path: `${actions}?limit=many`,
    status: 400,
    error: /./,
  },
];

describe.skipIf(missing !== undefined)(`bad input${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;

  beforeAll(async () => {
    ward = await Ward.start();
    await ward.setLimits('guest', ['--invocations-per-minute', '10000']);
    await ward.deploy('hello', 'function main(p) { return { hello: p.name || "nobody" }; }');
  });
  afterAll(async () => {
    const reply = await ward.invoke('hello', { name: 'still here' });
    expect(reply.body.response.result).toEqual({ hello: 'still here' });
    await ward[Symbol.asyncDispose]();
  });

  it.each(cases)('$name → $status', async ({ method = 'PUT', path, body, headers, status, error }) => {
    const reply = await ward.request(method, path, { body, ...(headers ? { headers } : {}) });
    expect(reply.status).toBe(status);
    expect(reply.body).toEqual({
      error: typeof error === 'string' ? error : expect.stringMatching(error),
      code: expect.any(String),
    });
  });

  it('code over 48 MB → 413', async () => {
    const reply = await ward.request('PUT', `${actions}/big`, {
      body: { exec: { kind: 'nodejs:24', code: 'x'.repeat(48 * 1024 * 1024 + 1) } },
    });
    expect(reply.status).toBe(413);
    expect(reply.body.error).toMatch(/larger than allowed: \d+ > 50331648 bytes/);
  });

  it('a body far over every limit is cut off → 413', async () => {
    const socket = connect(Number(new URL(ward.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `PUT ${actions}/big HTTP/1.1\r\nhost: x\r\nauthorization: Basic ${Buffer.from(ward.auth).toString('base64')}\r\n` +
        'content-type: application/json\r\ncontent-length: 2000000000\r\n\r\n{',
    );
    const [head] = await once(socket, 'data');
    expect(String(head)).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
  });

  it.each([
    ['no key', ''],
    ['a malformed key', 'nonsense'],
    ['a wrong key', `23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${'x'.repeat(64)}`],
  ])('%s → 401', async (_name, auth) => {
    const reply = await ward.request('GET', actions, { auth });
    expect(reply.status).toBe(401);
    expect(reply.headers.get('www-authenticate')).toContain('Basic');
  });

  it('a zip that escapes from its folder → 400', async () => {
    const bytes = await zip({ 'index.js': 'exports.main = () => ({})', 'aa/bb/evil.js': 'x' });
    const slipped = Buffer.from(
      bytes.toString('latin1').replaceAll('aa/bb/evil.js', '../../evil.js'),
      'latin1',
    );
    const reply = await ward.deploy('slip', slipped.toString('base64'), { exec: { binary: true } });
    expect(reply.status).toBe(400);
    expect(reply.body.error).toMatch(/\.\.\/\.\.\/evil\.js/);
  });

  it('a zip bomb → an error that names the limit', async () => {
    const bytes = await zip({ 'index.js': 'exports.main = () => ({})', bomb: 'x'.repeat(1000) });
    const uncompressedSize = bytes.lastIndexOf(Buffer.from('PK\x01\x02')) + 24;
    bytes.writeUInt32LE(0x7fffffff, uncompressedSize);
    const reply = await ward.deploy('bomb', bytes.toString('base64'), { exec: { binary: true } });
    expect(reply.status).toBe(400);
    expect(reply.body.error).toMatch(/"bomb" is larger than 256 MiB/);
  });
});
