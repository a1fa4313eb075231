/** A program that writes feeds and deliveries until it is killed, printing each one's id after both are durable. */
import { newId } from '../lib/index.ts';
import { openStore } from './open.ts';

const store = await openStore({ path: process.argv[2] ?? '' });
const common = { namespace: 'guest', dueAt: 1, document: {} };

async function fireForever(): Promise<never> {
  for (;;) {
    const id = newId();
    await Promise.all([
      store.feeds.put({ ...common, trigger: id, provider: 'p', revision: id, token: id }, null),
      store.deliveries.add({ ...common, id, rule: 'r', state: 'waiting', attempt: 1, createdAt: 0 }),
    ]);
    // Waits for its reader: a synchronous write to a full pipe throws EAGAIN.
    await new Promise((done) => process.stdout.write(`${id}\n`, done));
  }
}

await Promise.all(Array.from({ length: 8 }, fireForever));
