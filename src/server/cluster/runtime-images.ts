/** Brings the runtime images of the cluster to this machine, so that all nodes run the same ones. */
import { z } from 'zod';
import { type BlobSource, type Digest, fetchBlob, isDigest, openBlobStore } from '../../blobs/index.ts';
import { clusterFault } from '../../cluster/index.ts';
import {
  type Descriptor,
  indexTypes,
  manifestMediaType,
  ownImageNames,
  readImageFrom,
  readIndex,
  refNameOf,
  tagManifest,
} from '../../images/index.ts';
import type { Log } from '../../lib/index.ts';
import type { NodeDoor } from './node-door.ts';

const imageSchema = z.object({
  name: z.string().max(200),
  mediaType: z.string().refine((type) => type === manifestMediaType || indexTypes.has(type)),
  digest: z.string().refine(isDigest),
  size: z.int().min(1),
});
const answerSchema = z.object({ images: z.array(imageSchema).max(100) });

interface Places {
  readonly door: Pick<NodeDoor, 'document' | 'blobs'>;
  readonly imagesDir: string;
  readonly admitWrite: (bytes: number) => void;
  readonly log: Log;
}

/**
 * Fetches what this machine lacks or has in another version. An API node without images leaves all as it is.
 * @throws Fault CLUSTER_UNREACHABLE, CLUSTER_ANSWER_INVALID, BLOB_DIGEST_WRONG, IMAGE_INVALID, DISK_RESERVED
 */
export async function takeRuntimeImages(places: Places): Promise<void> {
  const { door, imagesDir, log } = places;
  const own = ownImageNames();
  for (const { name, ...entry } of parse(await door.document('/ward/v1/cluster/images')).images) {
    if (!own.has(name) || (await hasImage(imagesDir, name, entry.digest))) continue;
    log.info({ image: name, digest: entry.digest }, 'fetching a runtime image from the cluster');
    await fetchImage(places, entry);
    await tagManifest(imagesDir, entry, [name]);
  }
}

async function hasImage(imagesDir: string, name: string, digest: Digest): Promise<boolean> {
  const index = await readIndex(imagesDir);
  return index?.manifests.some((entry) => entry.digest === digest && refNameOf(entry) === name) === true;
}

/** All its blobs, before it gets a name. */
async function fetchImage({ door, imagesDir, admitWrite }: Places, entry: Descriptor): Promise<void> {
  const store = openBlobStore(imagesDir);
  const source: BlobSource = door.blobs('images');
  const fetched = async ({ digest }: Pick<Descriptor, 'digest'>) => {
    if (!(await store.has(digest))) await fetchBlob(source, digest, store, admitWrite);
    return digest;
  };
  const { manifest } = await readImageFrom(async (each) => store.get(await fetched(each)), entry);
  for (const layer of manifest.layers) await fetched(layer);
}

function parse(answer: unknown): z.infer<typeof answerSchema> {
  const parsed = answerSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw clusterFault('CLUSTER_ANSWER_INVALID', 'the API node lists its images in another form', {
    hint: 'run the same version of Ward on all nodes',
  });
}
