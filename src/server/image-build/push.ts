/**
 * Pushes an image from an OCI layout to Ward's registry: existing blobs are skipped, each other blob takes one
 * request, and the manifest comes last. The signature comes before it, since a policy can require one.
 * Source: OCI distribution-spec v1.1, "Push".
 */
import { createReadStream } from 'node:fs';
import { blobPath, openBlobStore, parseDigest } from '../../blobs/index.ts';
import { type Artifact, layersOf, referrerManifest, statementMediaType } from '../../gate/index.ts';
import { type Descriptor, readImage } from '../../images/index.ts';
import type { BuiltImageFiles } from './output.ts';
import type { ProvenanceStatement } from './provenance.ts';
import { createRegistryClient, type RegistryClient } from './registry.ts';
import { type CompanionPlace, putCompanions } from './trust.ts';

export interface PushTarget {
  /** URL of Ward, without a slash at its end. */
  readonly url: string;
  /** Namespace of the key. */
  readonly namespace: string;
  /** `uuid:secret` */
  readonly auth: string;
  /** Accepts any certificate. */
  readonly insecure: boolean;
}

interface ImagePush extends BuiltImageFiles {
  readonly provenance: ProvenanceStatement;
  readonly onProgress: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Returns its new address: `http://127.0.0.1:3233/guest/app:1`. @throws Fault PUSH_REFUSED, PUSH_FAILED */
export async function pushImage(target: PushTarget, push: ImagePush): Promise<string> {
  const { layoutDir, name, image, companions, provenance, onProgress, signal } = push;
  const [, repository = '', tag = ''] = /^(.+):([^:]+)$/.exec(name) ?? [];
  const client = createRegistryClient({ ...target, repository, signal });
  const { manifest } = await readImage(layoutDir, image.descriptor);
  for (const [at, layer] of manifest.layers.entries()) {
    onProgress(`pushing layer ${at + 1} of ${manifest.layers.length}`);
    await pushBlob(client, layoutDir, layer);
  }
  await pushBlob(client, layoutDir, manifest.config);
  if (companions !== undefined) await putCompanions(registryCompanions(client), companions);
  onProgress(`waiting for the gate to judge ${name}`);
  const bytes = await openBlobStore(layoutDir).get(parseDigest(image.digest));
  await client.putManifest(tag, image.descriptor.mediaType, bytes);
  await pushArtifact(client, provenanceReferrer(push, provenance));
  return `${target.url}/${name}`;
}

async function pushBlob(client: RegistryClient, dir: string, { digest, size }: Descriptor): Promise<void> {
  if (await client.hasBlob(digest)) return;
  await client.putBlob(digest, size, () => createReadStream(blobPath(dir, digest)));
}

function registryCompanions(client: RegistryClient): CompanionPlace {
  return {
    async layers(tag) {
      const manifest = await client.getManifest(tag);
      return manifest === undefined ? [] : layersOf(manifest.bytes);
    },
    content: (digest) => client.getBlob(digest),
    put: (artifact) => pushArtifact(client, artifact),
  };
}

async function pushArtifact(client: RegistryClient, { blobs, manifest, tag }: Artifact): Promise<void> {
  for (const { digest, content } of blobs) {
    if (!(await client.hasBlob(digest))) await client.putBlob(digest, content.length, () => content);
  }
  await client.putManifest(tag ?? manifest.digest, manifest.mediaType, manifest.content);
}

/** Attaches the unsigned statement for clients that list referrers. A signed one goes under cosign's tag. */
function provenanceReferrer(
  { image: { descriptor, createdAt } }: ImagePush,
  provenance: ProvenanceStatement,
) {
  const { mediaType, digest, size } = descriptor;
  return referrerManifest({
    subject: { mediaType, digest, size },
    artifactType: statementMediaType,
    content: JSON.stringify(provenance),
    createdAt,
  });
}
