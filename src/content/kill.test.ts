import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type Digest, digestOf, parseDigest } from '../blobs/index.ts';
import { startCommand } from '../lib/index.ts';
import { readManifestDocument } from './manifest-document.ts';
import { parseTag } from './names.ts';
import { openRegistryStore } from './registry-store.ts';
import { app, sweepAll } from './store.fixture.ts';
import type { RegistryStore } from './types.ts';

const program = fileURLToPath(new URL('./push-forever.fixture.ts', import.meta.url));

/** Kills a process that pushes and sweeps after `count` images were accepted. Returns the accepted images by tag. */
async function pushAndKill(dir: string, count: number): Promise<readonly (readonly [string, Digest])[]> {
  const child = startCommand([process.execPath, program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no stdout');
  const accepted: (readonly [string, Digest])[] = [];
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const [tag = '', digest = ''] = line.split(' ');
    accepted.push([tag, parseDigest(digest)]);
    if (accepted.length === count) child.kill('SIGKILL');
  }
  await ended;
  return accepted;
}

/** Checks that the manifest and each of its parts exist and are correct. */
async function checkWhole(store: RegistryStore, digest: Digest): Promise<void> {
  const bytes = await store.readManifest(digest);
  const { mediaType } = await store.findManifest(app, digest);
  const { config, layers } = readManifestDocument(bytes, mediaType);
  for (const part of [...(config ? [config] : []), ...layers]) {
    expect(await store.blobSize(app, part.digest)).toBe(part.size);
    expect(digestOf(await buffer(await store.openBlob(part.digest)))).toBe(part.digest);
  }
}

it('a process that is killed while it pushes and sweeps loses nothing and leaves nothing partial', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ward-registry-kill-'));
  try {
    const all: Digest[] = [];
    for (const count of [1, 9, 23]) {
      const accepted = await pushAndKill(dir, count);
      expect(accepted.length).toBeGreaterThanOrEqual(count);
      all.push(...accepted.map(([, digest]) => digest));
      await using store = await openRegistryStore({ dir, limits: { graceMs: 0, doomedMs: 0 } });
      expect(await readdir(join(dir, 'uploads'))).toEqual([]);
      for (const digest of all) await checkWhole(store, digest);
      for (const tag of (await store.listTags(app, { after: '', limit: 100 })).items) {
        await checkWhole(store, (await store.findManifest(app, parseTag(tag))).digest);
      }
      // A tag names the last accepted image, or the next one, whose answer was lost.
      const last = new Map(accepted);
      const moved = [...last].map(async ([tag, digest]) =>
        (await store.findManifest(app, parseTag(tag))).digest === digest ? 0 : 1,
      );
      expect((await Promise.all(moved)).reduce((sum: number, each) => sum + each, 0)).toBeLessThanOrEqual(1);
      await store.sweep(sweepAll);
      for (const digest of all) await checkWhole(store, digest);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});
