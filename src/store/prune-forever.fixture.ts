/** A program that appends records and prunes them until it is killed, printing a line after each pruning. */
import { newActivationId } from '../lib/index.ts';
import { openStore } from './open.ts';

const store = await openStore({ path: process.argv[2] ?? '' });
const record = { namespace: 'guest', name: 'a', path: 'a', end: null, statusCode: 0, documentJson: '{}' };

for (let start = 0; ; start++) {
  const rows = Array.from({ length: 50 }, () => ({ ...record, start, activationId: newActivationId() }));
  const appends = rows.map((row) =>
    store.activations.append({
      row: {
        ...row,
        responseJson: '"ü"',
        usage: { mibMs: 256, isCold: start % 2 === 0, sentBytes: 3, receivedBytes: 5 },
      },
      logs: ['x'.repeat(9_000)],
      inputJson: '{}',
      settles: null,
    }),
  );
  await store.activations.prune({ namespace: 'guest', keep: 40, max: 30 });
  await Promise.all(appends);
  // Waits for its reader: a synchronous write to a full pipe throws EAGAIN.
  await new Promise((done) => process.stdout.write(`${start}\n`, done));
}
