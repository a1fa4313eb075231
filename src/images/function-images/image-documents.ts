/**
 * The documents of an image that stands on a base: a configuration that begins as the base's, and a manifest. Nothing
 * in them depends on when or where they were made, unless it was asked for.
 * Source: OCI image-spec v1.1, config.md, manifest.md, annotations.md.
 */
import { z } from 'zod';
import type { Digest } from '../../blobs/index.ts';
import { putDocument } from '../oci/layout.ts';
import { configMediaType, type Descriptor, manifestMediaType, zstdLayerMediaType } from '../oci/schema.ts';
import type { BaseImage } from './base-image.ts';

/** A layer that is added, with what made it. */
export interface AddedLayer {
  readonly role: LayerRole;
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly size: number;
  /** Its line in the history; undefined: it has one there. */
  readonly createdBy: string | undefined;
}

export type LayerRole = 'base' | 'server' | 'dependencies' | 'code' | 'dockerfile';

export interface ImageParts {
  readonly base: BaseImage;
  /** Over those of the base, lowest first. */
  readonly layers: readonly AddedLayer[];
  /** What replaces parts of the base's `config`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  /** ISO time. */
  readonly created: string;
  /** What is known of how the layers came about, where it is more than the base's history and a line for each. */
  readonly history?: unknown;
}

/** The port that the contract is spoken on. */
export const contractPort = '8080/tcp';
/** The user that functions run as, in every image of Ward's. */
export const functionUser = '1000:1000';

const historySchema = z.array(z.looseObject({})).max(10_000).nullish().catch(undefined);

/** Stores both in the layout in `dir`; the manifest's descriptor, of which no name is known yet. */
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

/** What the base says of its content is true of this image, too; what it says of itself is not. */
function inherited(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => !name.startsWith('org.opencontainers.image.')),
  );
}
