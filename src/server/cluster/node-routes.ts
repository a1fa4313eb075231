/** What this API node gives to nodes without a database. */
import type { BlobPlace, NodeRoutes } from '../../api/index.ts';
import { type BlobReader, type BlobStore, openBlobStore } from '../../blobs/index.ts';
import type { ClusterService } from '../../cluster/index.ts';
import { ownImageNames, readIndex, refNameOf } from '../../images/index.ts';

type SizedBlobs = Pick<BlobReader, 'open'> & Pick<BlobStore, 'size'>;

interface NodeRoutesOptions {
  readonly service: Pick<ClusterService, 'authenticate'>;
  readonly code: SizedBlobs;
  /** Pushed content. */
  readonly registry: SizedBlobs;
  /** A layout, which may be missing. */
  readonly imagesDir: string;
}

export function createNodeRoutes({ service, code, registry, imagesDir }: NodeRoutesOptions): NodeRoutes {
  const places: Readonly<Record<BlobPlace, SizedBlobs>> = {
    code,
    registry,
    images: openBlobStore(imagesDir),
  };
  return {
    authenticate: service.authenticate,
    async images() {
      const own = ownImageNames();
      const entries = (await readIndex(imagesDir))?.manifests ?? [];
      return entries.flatMap((entry) => {
        const name = refNameOf(entry);
        const { mediaType, digest, size } = entry;
        return name !== undefined && own.has(name) ? [{ name, mediaType, digest, size }] : [];
      });
    },
    blobSize: (place, digest) => places[place].size(digest),
    openBlob: (place, digest, part) => places[place].open(digest, part),
  };
}
