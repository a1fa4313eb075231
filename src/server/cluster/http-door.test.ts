/** What a joining node takes from an answer that someone on the way may have changed. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseBusAddresses } from '../../bus/index.ts';
import { openAddresses } from './api-addresses.ts';
import { openHttpDoor } from './http-door.ts';

const request = { certificate: 'x', keyProof: 'x' };
let addresses: string;
let port: number;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const server = createServer((_request, response) => {
    const bus = { addresses, cluster: 'ward' };
    response.end(JSON.stringify({ certificate: 'x', expiresAt: 1, bus }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  stack.defer(() => void server.close());
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await stack.disposeAsync();
});

/** What the node does with the bus of an answer of this API node, which is really on this machine. */
async function outcome(url: string, bus: string, own?: string): Promise<string> {
  addresses = bus;
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (_url: string, options: RequestInit) => fetch(`http://127.0.0.1:${port}`, options));
  const door = openHttpDoor(openAddresses([url]), own === undefined ? undefined : parseBusAddresses(own));
  const taken = await door.renew(request).then(
    ({ bus: named }) => named?.addresses ?? 'none',
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  );
  vi.unstubAllGlobals();
  return taken;
}

test('a bus without TLS is not taken from an answer without TLS, unless it is on this machine', async () => {
  const forged = 'nats://evil.example:4222';
  for (const bus of [forged, 'nats://127.0.0.1,nats://evil.example', 'nats://127.0.0.1.evil.example'])
    expect(await outcome('http://ward.example', bus)).toMatch(/^CLUSTER_ANSWER_INVALID: .*without TLS/);
  for (const bus of [
    'tls://nats.example:4222',
    'nats://127.0.0.1:4222',
    'nats://localhost',
    'nats://[::1]:4222',
  ])
    expect(await outcome('http://ward.example', bus)).toBe(bus);
  expect(await outcome('https://ward.example', forged)).toBe(forged);
  for (const own of ['http://127.0.0.1:3233', 'http://localhost:3233', 'http://[::1]:3233'])
    expect(await outcome(own, forged)).toBe(forged);
  // Its own setting counts.
  expect(await outcome('http://ward.example', forged, 'nats://nats.example')).toBe(forged);
});

test('who can make no trusted TLS connection is told of the certificate, and others of the address', async () => {
  const faultOf = (url: string) =>
    openHttpDoor(openAddresses([url]))
      .renew(request)
      .catch((error) => error);
  expect(await faultOf(`https://127.0.0.1:${port}`)).toMatchObject({
    code: 'CLUSTER_UNREACHABLE',
    hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  });
  expect(await faultOf('http://127.0.0.1:1')).toMatchObject({
    code: 'CLUSTER_UNREACHABLE',
    hint: expect.stringContaining('check the address'),
  });
});
