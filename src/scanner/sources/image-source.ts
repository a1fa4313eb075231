/** An image, wherever its blobs are, as the scanner takes it. */
import type { Readable } from 'node:stream';
import type { LocalFile } from '../../blobs/index.ts';
import { type Descriptor, readImageFrom } from '../../images/index.ts';
import type { ImageSource } from '../types.ts';
import { scannedConfig } from './config.ts';

/** Where blobs are. What it hands out is checked by whoever reads it. */
interface ImageBlobs {
  /** A manifest or a configuration: 4 MiB at most. */
  read(descriptor: Descriptor): Promise<Buffer>;
  /** A layer's bytes, as they are stored. */
  open(descriptor: Descriptor): Promise<Readable>;
  /** Where the blob is a file of its own. */
  readonly localFile?: (descriptor: Descriptor) => Promise<LocalFile>;
}

/**
 * The image of a manifest, or the one of an index that is for `architecture`, by default this machine's.
 * @param name As it was asked for.
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
