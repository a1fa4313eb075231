/**
 * The manifests in which a registry keeps the companions of an image. There are two forms: a tag that is made from the
 * image's digest (`sha256-<hex>.sig`), and a manifest whose `subject` is the image, which the registry lists as a referrer.
 * Source: OCI image-spec v1.1, manifest.md; cosign, specs/SIGNATURE_SPEC.md.
 */
import { z } from 'zod';
import { type Digest, digestOf, isDigest } from '../../blobs/index.ts';
import { configMediaType, manifestMediaType } from '../../images/index.ts';
import { gateFault } from '../faults.ts';
import { parseJsonDocument } from '../json-document.ts';

const emptyMediaType = 'application/vnd.oci.empty.v1+json';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface Blob {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Buffer;
}

/** What a client pushes: the blobs first, then the manifest. */
export interface Artifact {
  readonly blobs: readonly Blob[];
  readonly manifest: Blob;
  /** Its tag; undefined when clients find it by its subject, so it is pushed by its digest. */
  readonly tag: string | undefined;
}

/** A layer of a manifest with its content. */
export interface ArtifactLayer {
  readonly mediaType: string;
  readonly content: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

const limits = { maxBytes: 4 * 1024 * 1024, maxDepth: 16 } as const;
const maxLayers = 200;

const descriptorSchema = z.looseObject({
  mediaType: z.string().max(255),
  digest: z.string().refine(isDigest, 'not a sha256 digest'),
  size: z.int().min(0),
  annotations: z.record(z.string(), z.string()).optional(),
});

const manifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  layers: z.array(descriptorSchema).max(maxLayers),
});

/**
 * Returns the layers that a manifest of signatures or attestations names; their contents are blobs of the registry.
 * @throws Fault SIGNATURE_MALFORMED
 */
export function layersOf(manifest: Uint8Array): readonly Descriptor[] {
  return parseJsonDocument(manifestSchema, manifest, limits, (what) =>
    gateFault('SIGNATURE_MALFORMED', `a manifest of signatures: ${what}`),
  ).layers;
}

/** `sha256:abc` → `sha256-abc.sig`. */
export function companionTag(digest: Digest, suffix: 'sig' | 'att'): string {
  return `${digest.replace(':', '-')}.${suffix}`;
}

/**
 * Makes a manifest for a tag that is made from the image's digest, as cosign writes it: the contents take the place of an
 * image's layers.
 * @param earlier layers that the tag has already; they stay
 */
export function companionManifest(
  tag: string,
  added: readonly ArtifactLayer[],
  earlier: readonly Descriptor[] = [],
): Artifact {
  const contents = added.map(({ mediaType, content, annotations }) => ({
    blob: blobOf(mediaType, content),
    annotations,
  }));
  const layers = [
    ...earlier,
    ...contents.map(({ blob, annotations }): Descriptor => ({ ...descriptorOf(blob), annotations })),
  ];
  const config = blobOf(
    configMediaType,
    JSON.stringify({
      architecture: '',
      created: '0001-01-01T00:00:00Z',
      history: layers.map(() => ({ created: '0001-01-01T00:00:00Z' })),
      os: '',
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
      config: {},
    }),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config: descriptorOf(config),
    layers,
  };
  return {
    blobs: [...contents.map(({ blob }) => blob), config],
    manifest: blobOf(manifestMediaType, JSON.stringify(manifest)),
    tag,
  };
}

export interface Referrer {
  /** The image that it is about. */
  readonly subject: Descriptor;
  /** What it is: `application/vnd.cyclonedx+json`. */
  readonly artifactType: string;
  readonly content: Uint8Array | string;
  /** ISO time. */
  readonly createdAt: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Makes a manifest that its `subject` attaches to an image. */
export function referrerManifest(referrer: Referrer): Artifact {
  const { subject, artifactType, createdAt, annotations = {} } = referrer;
  const blob = blobOf(artifactType, referrer.content);
  const config = blobOf(emptyMediaType, '{}');
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    artifactType,
    config: descriptorOf(config),
    layers: [descriptorOf(blob)],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: { 'org.opencontainers.image.created': createdAt, ...annotations },
  };
  return {
    blobs: [blob, config],
    manifest: blobOf(manifestMediaType, JSON.stringify(manifest)),
    tag: undefined,
  };
}

function blobOf(mediaType: string, content: Uint8Array | string): Blob {
  const bytes = Buffer.from(content);
  return { digest: digestOf(bytes), mediaType, content: bytes };
}

function descriptorOf({ mediaType, digest, content }: Blob): Descriptor {
  return { mediaType, digest, size: content.length };
}
