/**
 * The documents of an image on a base: a configuration that extends the base's, and a manifest. They do not depend on
 * when or where they were made, unless the caller asks for it.
 * Source: OCI image-spec v1.1, config.md, manifest.md, annotations.md.
 */
import { z } from 'zod';
import type { Digest } from '../../blobs/index.ts';
import { putDocument } from '../oci/layout.ts';
import { configMediaType, type Descriptor, manifestMediaType, zstdLayerMediaType } from '../oci/schema.ts';
import type { BaseImage } from './base-image.ts';

/** An added layer and its origin. */
export interface AddedLayer {
  readonly role: LayerRole;
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly size: number;
  /** Its line in the history; undefined: it already has one. */
  readonly createdBy: string | undefined;
}

export type LayerRole = 'base' | 'server' | 'dependencies' | 'code' | 'dockerfile';

export interface ImageParts {
  readonly base: BaseImage;
  /** Above those of the base, lowest first. */
  readonly layers: readonly AddedLayer[];
  /** Replaces parts of the base's `config`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  /** ISO time. */
  readonly created: string;
  /** The history of the layers, when it contains more than the base's history and a line for each. */
  readonly history?: unknown;
}

/** The port of OpenWhisk's HTTP contract. */
export const contractPort = '8080/tcp';
/** The user of functions in all of Ward's images. */
export const functionUser = '1000:1000';

const historySchema = z.array(z.looseObject({})).max(10_000).nullish().catch(undefined);

/** Stores both in the layout in `dir`. Returns the manifest's descriptor; it has no name yet. */
export async function writeImage(dir: string, parts: ImageParts): Promise<Descriptor> {
  const { base, layers, created } = parts;
  const labels = labelsOf(parts);
  const { architecture, os } = base.config;
  const history = base.config['history'];
  const config = await putDocument(dir, configMediaType, {
    created,
    architecture,
    os,
    config: { ...base.config.config, ...parts.settings, Labels: labels },
    rootfs: {
      type: 'layers',
      diff_ids: [...base.config.rootfs.diff_ids, ...layers.map(({ diffId }) => diffId)],
    },
    history: [
      ...(historySchema.parse(parts.history ?? history) ?? []),
      ...layers.flatMap(({ createdBy }) =>
        createdBy === undefined ? [] : [{ created, created_by: createdBy }],
      ),
    ],
  });
  const manifest = await putDocument(dir, manifestMediaType, {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config,
    layers: [
      ...base.layers,
      ...layers.map(({ digest, size }) => ({ mediaType: zstdLayerMediaType, digest, size })),
    ],
    annotations: labels,
  });
  return { ...manifest, platform: { architecture, os } };
}

function labelsOf({ base, created, labels }: ImageParts): Record<string, string> {
  const all = {
    ...inherited(base.config.config?.Labels ?? {}),
    'org.opencontainers.image.created': created,
    'org.opencontainers.image.base.name': base.name,
    'org.opencontainers.image.base.digest': base.digest,
    ...labels,
  };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Labels about the base's content also apply to this image; those about the base itself do not. */
function inherited(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => !name.startsWith('org.opencontainers.image.')),
  );
}
