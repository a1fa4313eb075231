/** Ward's registry as a process of its own, without a gate, on a port that the kernel chooses: for measurements. */
import { fastify } from 'fastify';
import { openRegistryStore } from '../src/images/index.ts';
import { silentLog } from '../src/lib/index.ts';
import { createRegistry } from '../src/registry/index.ts';

const store = await openRegistryStore({ dir: process.argv[2] ?? '' });
const app = fastify({ exposeHeadRoutes: false });
createRegistry({
  store,
  log: silentLog,
  authenticate: () => ({ namespace: 'guest', keyId: '', createdAt: 0, may: () => true }),
})(app);
console.log(`ready ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
