import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { ResolverOrder } from './protocol.ts';
import { type ResolverClient, startResolver } from './resolver.ts';

const client: ResolverClient = {
  tenant: 'guest',
  hosts: ['example.com'],
  resolvers: undefined,
  decide: async () => ({ addresses: [], ttlSeconds: 0 }),
  onRefusal: () => {},
};

/** Starts a resolver whose processes end when the test says so. */
async function begin() {
  const processes: { readonly orders: ResolverOrder[]; end(how: string): void }[] = [];
  const resolver = await startResolver(
    async () => ({ udp: createSocket('udp4'), tcp: createServer() }),
    () => false,
    async ({ udp }) => {
      udp.close();
      const orders: ResolverOrder[] = [];
      const { promise: ended, resolve: end } = Promise.withResolvers<string>();
      processes.push({ orders, end });
      return { send: (order) => void orders.push(order), kill: () => end('SIGKILL'), ended };
    },
  );
  return { resolver, processes };
}

test('a process that ends before it served a sandbox is not started again, and the fault says how it ended', async () => {
  const { resolver, processes } = await begin();
  processes[0]?.end('exit 1');
  await expect(resolver.ended).resolves.toBe('exit 1');
  expect(processes).toHaveLength(1);
});

test('a process that ends later is started again, and serves the same sandboxes', async () => {
  const { resolver, processes } = await begin();
  resolver.serve(3, client);
  processes[0]?.end('SIGKILL');
  await expect.poll(() => processes[1]?.orders).toMatchObject([{ order: 'serve', slot: 3, tenant: 'guest' }]);
  await resolver.end();
  expect(processes).toHaveLength(2);
});
