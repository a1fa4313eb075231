/**
 * Pushes small images into the store in `argv[2]`, sweeps meanwhile, and prints accepted images, until it is killed.
 */
import { randomBytes } from 'node:crypto';
import { openRegistryStore } from './registry-store.ts';
import { app, putBlob, putImage, sweepAll } from './store.fixture.ts';

const store = await openRegistryStore({
  dir: process.argv[2] ?? '',
  limits: { graceMs: 100, doomedMs: 100 },
});

void (async () => {
  for (;;) await store.sweep(sweepAll);
})();

for (let count = 0; ; count++) {
  const layers = [randomBytes(20_000), randomBytes(300)].map((bytes) => ({ packed: bytes, plain: bytes }));
  const tag = `t${count % 7}`;
  try {
    await putBlob(store, app, randomBytes(100));
    const { digest } = await putImage(store, app, layers, tag);
    process.stdout.write(`${tag} ${digest}\n`);
  } catch {
    // With such a short grace period a sweep can be faster than the push: then nothing was accepted.
  }
}
