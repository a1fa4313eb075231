/**
 * Assembles the registry's storage. One process has its folder open at a time; with a database and blobs of their own,
 * several servers share the content.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BlobStore } from '../blobs/index.ts';
import { imageFault } from '../images/index.ts';
import { tryFileLock } from '../lib/index.ts';
import { createCompanions } from './companions.ts';
import { createContent, openBlobFiles } from './content.ts';
import { createLinks } from './links.ts';
import { createListings } from './listings.ts';
import { createManifests } from './manifests.ts';
import { unsealedIn } from './noted.ts';
import { openRegistryDatabase, type RegistryPlace } from './open-database.ts';
import { createOwnUploads } from './own-uploads.ts';
import { createPushedImages } from './pushed-image.ts';
import { bytesHeldBy } from './room.ts';
import { createSecondNames } from './second-names.ts';
import { createSharedUploads } from './shared-uploads.ts';
import { forgetNamespace, sweepRegistry } from './sweep.ts';
import type { RegistryStore, RegistryStoreLimits } from './types.ts';

export interface RegistryStoreOptions extends RegistryPlace {
  /** All servers of one database share them. Absent: files in `dir`, which is created if missing. */
  readonly blobs?: BlobStore | undefined;
  readonly limits?: Partial<RegistryStoreLimits>;
  /** Limit of a namespace that replaces `limits.bytesPerNamespace`; undefined: no change. */
  readonly bytesAllowed?: (namespace: string) => number | undefined | Promise<number | undefined>;
  /** Called before this number of bytes is written; throws to refuse them. */
  readonly admitWrite?: (bytes: number) => void;
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
  doomedMs: hourMs,
  untaggedMs: 0,
};

/** @throws Fault IMAGE_STORE_BUSY, IMAGE_STORE_INVALID, and Faults of the store room */
export async function openRegistryStore(options: RegistryStoreOptions): Promise<RegistryStore> {
  const dir = resolve(options.dir);
  const limits = { ...defaultRegistryStoreLimits, ...options.limits };
  await mkdir(dir, { recursive: true, mode: 0o750 });
  await using stack = new AsyncDisposableStack();
  const lock = tryFileLock(join(dir, 'lock'));
  if (lock === undefined) {
    throw imageFault('IMAGE_STORE_BUSY', `another process has the registry in ${dir}`);
  }
  stack.defer(() => lock.release());
  const blobs = options.blobs ?? (await openBlobFiles(dir));
  const db = await openRegistryDatabase({ ...options, dir });
  stack.defer(() => db.close());
  const content = createContent(blobs, db);
  const usage = (namespace: string) => bytesHeldBy(db, namespace);
  const limitsOf = async (namespace: string) => {
    const bytesPerNamespace = await options.bytesAllowed?.(namespace);
    return bytesPerNamespace === undefined ? limits : { ...limits, bytesPerNamespace };
  };
  const admitWrite = options.admitWrite ?? (() => {});
  const names = createSecondNames(db);
  const links = createLinks(db, limitsOf);
  const forUploads = { content, limits, limitsOf, usage, admitWrite, record: links.add };
  const isShared = options.database !== undefined && options.blobs !== undefined;
  const uploads = isShared ? createSharedUploads({ ...forUploads, db }) : createOwnUploads(forUploads);
  stack.defer(() => uploads.close());
  const manifests = createManifests({ db, content, limitsOf, admitWrite, names });
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
    unsealed: unsealedIn(db),
    forgetNamespace: (namespace, createdBefore) => forgetNamespace(db, namespace, createdBefore),
    async sweep(asked) {
      await uploads.expire();
      return sweepRegistry({ db, content, limits }, asked);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
