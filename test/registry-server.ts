/**
 * Ward's registry as a process of its own, on a port that the kernel chooses. With the word `gated` after its folder, it
 * scans and judges images before it accepts them; with the URLs of a PostgreSQL database and of a place in S3, several
 * of them are one registry. A line on the input of one of those begins a sweep, without a grace period.
 */
import { randomBytes } from 'node:crypto';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fastify } from 'fastify';
import { openSharedBlobs, parseBlobLocation } from '../src/blobs/index.ts';
import { openRegistryStore } from '../src/content/index.ts';
import { parseNamespaceName } from '../src/functions/index.ts';
import { silentLog } from '../src/lib/index.ts';
import { createRegistry } from '../src/registry/index.ts';
import { openGuardedImages } from '../src/server/gate/guarded-images.ts';
import { folderStores } from '../src/server/stores/stores.ts';

// The program does this too, for the thread that scans.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/ward'));
const [dir = '', mode, location] = process.argv.slice(2);
const app = fastify({ exposeHeadRoutes: false });
const tokenKey = randomBytes(32);
let url = '';
const routes = mode === 'gated' ? await gatedRoutes() : await bareRoutes();
routes(app);
url = await app.listen({ host: '127.0.0.1', port: 0 });
console.log(`ready ${url}`);

async function bareRoutes() {
  const store = await openRegistryStore({
    dir,
    ...(await sharedPlace()),
  });
  createInterface({ input: process.stdin }).on('line', () => {
    store.sweep({ namespaceSince: () => 0, isInUse: () => false }).catch(() => {});
  });
  return createRegistry({
    store,
    log: silentLog,
    publicUrl: () => url,
    tokenKeys: () => [tokenKey],
    authenticate: () => ({ namespace: 'guest', keyId: '', createdAt: 0, may: () => true }),
    ownerOf: () => ({ namespace: 'guest', createdAt: 0 }),
  });
}

async function sharedPlace() {
  if (mode === undefined || location === undefined) return {};
  const shared = await openSharedBlobs(parseBlobLocation(location), silentLog);
  const blobs = await shared.open({ name: 'registry', dir, mode: 0o640, dirMode: 0o750 });
  const database = { kind: 'postgres', url: mode } as const;
  return { blobs, database, limits: { graceMs: 0, doomedMs: 0 } };
}

async function gatedRoutes() {
  const imagesDir = join(dir, 'images');
  const guarded = await openGuardedImages({
    dataDir: dir,
    stores: folderStores(dir),
    imagesDir,
    apiHost: () => url,
    registryUrl: () => url,
    onChange: () => {},
    log: silentLog,
  });
  const guest = { namespace: parseNamespaceName('guest'), keyId: '', createdAt: 0, scope: 'full' } as const;
  const namespaces = { authenticate: () => guest, ownerOf: () => guest };
  return guarded.registry({ namespaces, tokenKeys: () => [tokenKey] });
}
