/**
 * The gate for the registry: a manifest becomes visible when its image passes. Layers are read as they arrive;
 * findings are attached to accepted images.
 */

import { type Digest, isDigest } from '../../blobs/index.ts';
import type { ManifestDocument, PushedImage, RegistryStore } from '../../content/index.ts';
import { keyActorOf } from '../../functions/index.ts';
import { companionOf, type Gate, isEvidence, type Verdict } from '../../gate/index.ts';
import { isFault, type Log } from '../../lib/index.ts';
import type { PushedManifest, PushGate } from '../../registry/index.ts';
import { type ImageSource, type Scanner, scannedConfig } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';
import { type AttachmentStore, createAttachments } from './attachments.ts';
import { createLayerReading } from './layer-reading.ts';
import { artifactOf, isImage } from './pushed-kind.ts';

export interface PushGateOptions {
  readonly gate: Pick<
    Gate,
    'admitImage' | 'admitArtifact' | 'admitUnreadable' | 'report' | 'evidenceChanged'
  >;
  readonly scanner: Pick<Scanner, 'prepare' | 'scanLayer'>;
  readonly store: AttachmentStore & Pick<RegistryStore, 'readImage' | 'openBlob' | 'localBlob'>;
  /** Digests that an index lists; empty when it is not an index. */
  readonly listedBy: (digest: Digest) => Promise<readonly Digest[]>;
  readonly log: Log;
}

export function createPushGate({
  gate,
  scanner,
  store,
  listedBy,
  log,
}: PushGateOptions): PushGate & AsyncDisposable {
  const reading = createLayerReading({ scanner, store });
  const attachments = createAttachments({ gate, store, log });
  const changed = async (images: readonly (Digest | undefined)[]): Promise<void> => {
    for (const image of new Set(images)) {
      if (image === undefined) continue;
      await gate.evidenceChanged(image);
      for (const listed of await listedBy(image)) await gate.evidenceChanged(listed);
    }
  };
  const judged = async (pushed: PushedManifest) => {
    const { namespace, repository, reference, document } = pushed;
    const actor = keyActorOf(pushed);
    const name = `${repository}${isDigest(reference) ? '@' : ':'}${reference}`;
    if (!(await isImage(document, store))) {
      const artifact = artifactOf(name, document, store);
      const artifactType = document.artifactType ?? document.mediaType;
      return artifact && gate.admitArtifact({ namespace, actor, artifact, artifactType });
    }
    const image = await readImage(store, document);
    if (typeof image !== 'string') return gate.admitImage({ namespace, actor, image: sourceOf(name, image) });
    return gate.admitUnreadable({ namespace, actor, name, digest: document.digest, why: image });
  };
  return {
    uploadBegun: () => reading.prepare(),
    blobArrived: (_repository, digest) => reading.begin(digest),
    async manifestArrived(push) {
      const verdict = await judged(push);
      if (verdict === undefined) return [];
      if (verdict.outcome === 'deny') throw serverFault('PUSH_REFUSED', verdict.summary);
      return warningsOf(verdict);
    },
    async manifestAccepted({ repository, tags, digest, bytes, mediaType, document }) {
      if (await isImage(document, store))
        await attachments.attach(repository, { digest, mediaType, size: bytes.length });
      // A push with the tag of signatures replaces the earlier signatures.
      await changed([
        document.isIndex ? digest : undefined,
        document.layers.some(isEvidence) ? document.subject : undefined,
        ...tags.map(companionOf),
      ]);
    },
    // Attachments of an image count in repositories that contain the image.
    manifestDeleted: (_repository, { digest, tags, subject }) =>
      changed([digest, subject, ...tags.map(companionOf)]),
    [Symbol.asyncDispose]: () => reading.end(),
  };
}

/** A pushed image in the scanner's form. */
export function sourceOf(name: string, { digest, config, layers }: PushedImage): ImageSource {
  return { name, digest, config: scannedConfig(config), layers };
}

/** The verdict in a line; missing or old advisories in full, since the pusher can't fix them. */
function warningsOf({ outcome, reasons, summary }: Verdict): readonly string[] {
  if (outcome !== 'warn') return [];
  const advisories = reasons.filter(({ rule }) => rule.startsWith('advisories.'));
  const remedy = 'the operator gets them with ward advisories update';
  return [summary, ...advisories.map(({ text }) => `${text}: ${remedy}`)];
}

/** The image, or why it can't be scanned. */
async function readImage(
  store: Pick<RegistryStore, 'readImage'>,
  document: ManifestDocument,
): Promise<PushedImage | string> {
  try {
    return await store.readImage(document);
  } catch (cause) {
    if (!isFault(cause, 'IMAGE_INVALID')) throw cause;
    return `it could not be scanned: ${cause.message}`;
  }
}
