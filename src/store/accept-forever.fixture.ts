/** A program that accepts invocations until it is killed, printing each id after it is durable. */
import { newActivationId } from '../lib/index.ts';
import { openStore } from './open.ts';

const store = await openStore({ path: process.argv[2] ?? '' });

async function acceptForever(): Promise<never> {
  for (;;) {
    const activationId = newActivationId();
    await store.accepted.accept({
      activationId,
      namespace: 'guest',
      acceptedAt: Date.now(),
      owner: 'a',
      codeDigest: null,
      job: {},
    });
    // Waits for its reader: a synchronous write to a full pipe throws EAGAIN.
    await new Promise((done) => process.stdout.write(`${activationId}\n`, done));
  }
}

await Promise.all(Array.from({ length: 8 }, acceptForever));
