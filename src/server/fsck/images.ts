/** Checks the image store: blobs against their digests, and unpacked layers against their blobs. */
import type { Digest } from '../../blobs/index.ts';
import {
  blobsBelow,
  checkBlobs,
  checkLayer,
  dropLayer,
  layersOfStore,
  readIndex,
  refNameOf,
  type StoredLayer,
  unpackedLayers,
} from '../../images/index.ts';
import { isFault } from '../../lib/index.ts';
import type { Findings } from './findings.ts';

interface StoreCheck {
  readonly imagesDir: string;
  /** Layers of pushed images. */
  readonly pushed: ReadonlyMap<Digest, StoredLayer>;
  readonly repair: boolean;
  /** Works with the original rights of this process. */
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

const again = 'build or pull the image again';

export async function checkStore(check: StoreCheck, findings: Findings): Promise<readonly string[]> {
  await checkStoreBlobs(check, findings);
  return await checkLayers(check, findings);
}

async function checkStoreBlobs({ imagesDir, signal, onStep }: StoreCheck, findings: Findings): Promise<void> {
  const { present, damaged } = await checkBlobs(imagesDir, signal, (count) =>
    onStep(`reading images ${count}`),
  );
  findings.checked.images += present.size;
  const named = new Set<Digest>();
  const told = new Set<Digest>();
  for (const entry of (await readIndex(imagesDir))?.manifests ?? []) {
    const name = refNameOf(entry) ?? entry.digest;
    if (!present.has(entry.digest)) findings.tell('images', name, 'its manifest is missing', again);
    if (damaged.has(entry.digest)) findings.tell('images', name, 'its manifest is damaged', again);
    try {
      for (const { digest } of await blobsBelow(imagesDir, entry)) {
        named.add(digest);
        if (!damaged.has(digest) || digest === entry.digest || told.has(digest)) continue;
        told.add(digest);
        findings.tell('images', name, `its blob ${digest} is damaged`, again);
      }
    } catch (error) {
      if (!isFault(error)) throw error;
      findings.tell('images', name, error.message, again);
    }
  }
  for (const digest of damaged) {
    if (!named.has(digest)) findings.note(`images: the blob ${digest}, which no image uses, is damaged`);
  }
}

/** Returns the removed layers. */
async function checkLayers(check: StoreCheck, findings: Findings): Promise<readonly string[]> {
  const { imagesDir, pushed, repair, aside, signal, onStep } = check;
  const known = new Map([...pushed, ...(await layersOfStore(imagesDir))]);
  const dropped: string[] = [];
  let unknown = 0;
  for (const diffId of await unpackedLayers(imagesDir)) {
    signal.throwIfAborted();
    const layer = known.get(diffId);
    if (layer === undefined) {
      unknown++;
      continue;
    }
    onStep(`comparing layer ${findings.checked.layers + 1}`);
    const problem = await aside(() => checkLayer(imagesDir, layer, signal));
    findings.checked.layers++;
    if (problem === undefined) continue;
    if (problem.of === 'folder' && repair && (await dropLayer(imagesDir, diffId))) {
      dropped.push(diffId);
      continue;
    }
    const remedy =
      problem.of === 'blob'
        ? again
        : 'stop Ward and run ward fsck --repair: Ward unpacks the layer again when it needs it';
    findings.tell('layers', diffId, problem.text, remedy);
  }
  if (unknown > 0) {
    findings.note(
      `layers: ${unknown} belong to no image here (it was deleted, or is in another folder) and were not compared`,
    );
  }
  return dropped;
}
