/** Assembles the registry's storage. One process has it open at a time. */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Digest } from '../blobs/index.ts';
import { imageFault } from '../images/index.ts';
import { tryFileLock, watchUnneeded } from '../lib/index.ts';
import { createCompanions } from './companions.ts';
import { openContent } from './content.ts';
import { openRegistryDatabase } from './database.ts';
import { createLinks } from './links.ts';
import { createListings } from './listings.ts';
import { createManifests } from './manifests.ts';
import { createPushedImages } from './pushed-image.ts';
import { bytesHeldBy } from './room.ts';
import { createSecondNames } from './second-names.ts';
import { forgetNamespace, sweepRegistry } from './sweep.ts';
import type { RegistryStore, RegistryStoreLimits } from './types.ts';
import { createUploads } from './uploads.ts';

export interface RegistryStoreOptions {
  /** Created if missing. */
  readonly dir: string;
  readonly limits?: Partial<RegistryStoreLimits>;
  /** Limit of a namespace that replaces `limits.bytesPerNamespace`; undefined: no change. */
  readonly bytesAllowed?: (namespace: string) => number | undefined | Promise<number | undefined>;
  /** Called before this number of bytes is written; throws to refuse them. */
  readonly admitWrite?: (bytes: number) => void;
  /** Cache of the database's pages in memory. */
  readonly databaseCacheKiB?: number | undefined;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

const gibibyte = 1024 ** 3;
const hourMs = 3_600_000;

export const defaultRegistryStoreLimits: RegistryStoreLimits = {
  bytesPerNamespace: 20 * gibibyte,
  repositoriesPerNamespace: 1000,
  tagsPerRepository: 10_000,
  uploadsPerNamespace: 100,
  uploadIdleMs: hourMs,
  graceMs: 24 * hourMs,
  untaggedMs: 0,
};

/** Minimum time that files unknown to the database stay, in case the database has lost rows. */
const strangerMs = hourMs;

/** @throws Fault IMAGE_STORE_BUSY, IMAGE_STORE_INVALID, and Faults of the store room */
export async function openRegistryStore(options: RegistryStoreOptions): Promise<RegistryStore> {
  const dir = resolve(options.dir);
  const limits = { ...defaultRegistryStoreLimits, ...options.limits };
  const now = options.now ?? Date.now;
  await mkdir(dir, { recursive: true, mode: 0o750 });
  await using stack = new AsyncDisposableStack();
  const lock = tryFileLock(join(dir, 'lock'));
  if (lock === undefined) {
    throw imageFault('IMAGE_STORE_BUSY', `another process has the registry in ${dir}`);
  }
  stack.defer(() => lock.release());
  const content = await openContent(dir);
  const db = await openRegistryDatabase(join(dir, 'registry.db'), options.databaseCacheKiB);
  stack.defer(() => db.close());
  const usage = (namespace: string) => bytesHeldBy(db, namespace);
  const limitsOf = async (namespace: string) => {
    const bytesPerNamespace = await options.bytesAllowed?.(namespace);
    return bytesPerNamespace === undefined ? limits : { ...limits, bytesPerNamespace };
  };
  const admitWrite = options.admitWrite ?? (() => {});
  const strangers = watchUnneeded<Digest>(Math.min(limits.graceMs, strangerMs), now);
  const names = createSecondNames(db);
  const links = createLinks(db, limitsOf, now);
  const uploads = createUploads({ content, limits, limitsOf, usage, admitWrite, record: links.add, names });
  stack.defer(() => uploads.close());
  const manifests = createManifests({ db, content, limitsOf, admitWrite, names, now });
  const images = createPushedImages(content.blobs, manifests);
  const opened = stack.move();
  const close = () => opened.disposeAsync();
  return {
    ...createListings(db),
    ...createCompanions(db),
    resolveDigest: names.resolve,
    readDocument: manifests.parse,
    startUpload: uploads.start,
    upload: uploads.find,
    blobSize: links.size,
    openBlob: content.blobs.open,
    localBlob: content.blobs.localFile,
    blobCopier: content.blobs.copier,
    mountBlob: links.mount,
    deleteBlob: links.remove,
    putManifest: manifests.put,
    findManifest: manifests.find,
    readManifest: manifests.read,
    deleteManifest: manifests.delete,
    readImage: images.read,
    findImage: images.find,
    unpackImage: images.unpack,
    usage,
    forgetNamespace: (namespace, createdBefore) => forgetNamespace(db, namespace, createdBefore),
    async sweep(asked) {
      await uploads.expire();
      return sweepRegistry({ db, content, limits, now, strangers }, asked);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
