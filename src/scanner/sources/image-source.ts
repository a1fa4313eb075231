/** Makes an image source for the scanner from any place of blobs. */
import type { Readable } from 'node:stream';
import type { LocalFile } from '../../blobs/index.ts';
import { type Descriptor, readImageFrom } from '../../images/index.ts';
import type { ImageSource } from '../types.ts';
import { scannedConfig } from './config.ts';

/** A place of blobs. The reader checks the bytes that it returns. */
interface ImageBlobs {
  /** Reads a manifest or a configuration: at most 4 MiB. */
  read(descriptor: Descriptor): Promise<Buffer>;
  /** Opens a layer's stored bytes. */
  open(descriptor: Descriptor): Promise<Readable>;
  /** Returns the blob's own file. Absent if blobs are not files. */
  readonly localFile?: (descriptor: Descriptor) => Promise<LocalFile>;
}

/**
 * Reads the image of a manifest, or the image of an index for `architecture`, by default this machine's.
 * @param name as the user gave it
 * @param architecture in OCI's notation: `arm64`
 * @throws Fault IMAGE_INVALID, also for an index within an index
 */
export async function imageSourceOf(
  name: string,
  entry: Descriptor,
  blobs: ImageBlobs,
  architecture?: string,
): Promise<ImageSource> {
  const { localFile } = blobs;
  const { digest, manifest, config } = await readImageFrom((each) => blobs.read(each), entry, architecture);
  return {
    name,
    digest,
    config: scannedConfig(config),
    layers: manifest.layers.flatMap((layer, at) => {
      const diffId = config.rootfs.diff_ids[at];
      if (diffId === undefined) return [];
      const { digest, mediaType } = layer;
      return [
        {
          digest,
          diffId,
          mediaType,
          open: () => blobs.open(layer),
          localFile: localFile && (() => localFile(layer)),
        },
      ];
    }),
  };
}
