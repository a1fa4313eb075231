/** The gate as the registry asks it: a manifest becomes visible when the image behind it passes. */
import type { Gate } from '../../gate/index.ts';
import { type PushedImage, type RegistryStore, readManifestDocument } from '../../images/index.ts';
import type { PushGate } from '../../registry/index.ts';
import { type ImageSource, scannedConfig } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';

export interface PushGateOptions {
  readonly gate: Pick<Gate, 'admitImage'>;
  readonly store: Pick<RegistryStore, 'readImage'>;
}

/** What a sandbox's root could be made of. Signatures and SBOMs have layers of other types, and are never run. */
const layerType = /\.layer\.|rootfs\.diff|\btar\b/;

export function createPushGate({ gate, store }: PushGateOptions): PushGate {
  return {
    // Whether a blob is a layer only its manifest says; what was read of one is kept for the next image.
    blobArrived() {},
    async manifestArrived({ namespace, keyId, repository, reference, bytes, mediaType, artifactType }) {
      const document = readManifestDocument(bytes, mediaType);
      // What an index lists is there already, so each of it has passed.
      if (document.isIndex) return;
      const canRun = document.layers.some((layer) => layerType.test(layer.mediaType));
      if (!canRun && (artifactType !== undefined || document.layers.length > 0)) return;
      const image = sourceOf(`${repository}:${reference}`, await store.readImage(document));
      const verdict = await gate.admitImage({ namespace, actor: keyId, image });
      if (verdict.outcome === 'deny') throw serverFault('PUSH_REFUSED', verdict.summary);
    },
  };
}

/** A pushed image as the scanner takes it. */
export function sourceOf(name: string, { digest, config, layers }: PushedImage): ImageSource {
  return { name, digest, config: scannedConfig(config), layers };
}
