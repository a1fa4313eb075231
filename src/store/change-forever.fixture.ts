/** A program that makes changes until it is killed, printing the path of each after it is durable. */
import { newId } from '../lib/index.ts';
import { openStore } from './open.ts';
import { entityRow, feedRow } from './suite/context.ts';

const store = await openStore({ path: process.argv[2] ?? '' });

async function changeForever(): Promise<never> {
  for (;;) {
    const path = newId();
    await Promise.all([
      store.entities.put(entityRow(path), null, { maxBytes: 1e12 }),
      store.feeds.put(feedRow(path), null, { replaced: undefined }),
    ]);
    // Waits for its reader: a synchronous write to a full pipe throws EAGAIN.
    await new Promise((done) => process.stdout.write(`${path}\n`, done));
  }
}

await Promise.all(Array.from({ length: 4 }, changeForever));
