/** The blobs of a layout: its documents, and every blob below an entry of its index, for all platforms. */
import { blobPath, blobSize, readRegularFile } from '../../blobs/index.ts';
import { isFault } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import {
  type Descriptor,
  indexSchema,
  indexTypes,
  manifestSchema,
  maxDocumentBytes,
  parseDocument,
} from './schema.ts';

/**
 * Lists the existing blobs; a layout can have only some platforms of an index.
 * @throws Fault IMAGE_INVALID for anything but an index or a manifest
 */
export async function blobsBelow(dir: string, entry: Descriptor): Promise<readonly Descriptor[]> {
  const found = new Map<string, Descriptor>();
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    if (found.has(descriptor.digest) || (await blobSize(dir, descriptor.digest)) === undefined) return;
    found.set(descriptor.digest, descriptor);
    if (depth === 0) return;
    const isIndex = indexTypes.has(descriptor.mediaType);
    const bytes = (await readDocumentFile(blobPath(dir, descriptor.digest))) ?? '{}';
    const what = `${dir}: ${descriptor.digest}`;
    if (isIndex) {
      const { manifests } = parseDocument(indexSchema, Buffer.from(bytes), what);
      for (const manifest of manifests) await visit(manifest, depth - 1);
    } else {
      const { config, layers } = parseDocument(manifestSchema, Buffer.from(bytes), what);
      for (const blob of [config, ...layers]) await visit(blob, 0);
    }
  };
  await visit(entry, 2);
  return [...found.values()];
}

/** Reads the document at `path`; undefined when the file does not exist. @throws Fault IMAGE_INVALID */
export async function readDocumentFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path, maxDocumentBytes);
  } catch (cause) {
    if (!isFault(cause, 'FILE_INVALID')) throw cause;
    throw imageFault('IMAGE_INVALID', cause.message, { cause });
  }
}
