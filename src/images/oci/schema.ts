/**
 * The documents of an OCI image, parsed strictly where Ward relies on them and tolerantly elsewhere. Docker's schema
 * 2 is the same under other media types. Source: OCI image-spec v1.1 (image-layout, index, manifest, config).
 */
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import { hasMoreValuesThan } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';

export const indexMediaType = 'application/vnd.oci.image.index.v1+json';
/** Includes Docker's own. */
export const indexTypes: ReadonlySet<string> = new Set([
  indexMediaType,
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
export const manifestMediaType = 'application/vnd.oci.image.manifest.v1+json';
export const configMediaType = 'application/vnd.oci.image.config.v1+json';
export const zstdLayerMediaType = 'application/vnd.oci.image.layer.v1.tar+zstd';
export const refNameAnnotation = 'org.opencontainers.image.ref.name';

/** Limit of the size of one document. */
export const maxDocumentBytes = 4 * 1024 * 1024;
/** The longest configurations have a few thousand. */
const maxValues = 200_000;
/** More than Docker itself ever builds (127), far below overlayfs' 500. */
export const maxLayers = 128;

export const digestSchema = z.string().refine(isDigest, 'not a sha256 digest');

const annotations = z.record(z.string(), z.string()).nullish();

export const descriptorSchema = z.looseObject({
  mediaType: z.string().max(255),
  digest: digestSchema,
  size: z.int().min(0),
  annotations,
  platform: z.looseObject({ architecture: z.string(), os: z.string() }).nullish(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

export const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z.array(descriptorSchema).max(10_000),
});
export type Index = z.infer<typeof indexSchema>;

export const manifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(maxLayers),
  annotations,
});
export type Manifest = z.infer<typeof manifestSchema>;

const strings = z.array(z.string()).nullish();

export const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  created: z.string().nullish(),
  config: z
    .looseObject({
      Env: strings,
      Entrypoint: strings,
      Cmd: strings,
      WorkingDir: z.string().nullish(),
      User: z.string().nullish(),
      Labels: annotations,
    })
    .nullish(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: z.array(digestSchema).max(maxLayers) }),
});
export type Config = z.infer<typeof configSchema>;

/** Parses `bytes` as JSON by `schema`. @throws Fault IMAGE_INVALID that names `what` and the place in it */
export function parseDocument<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = hasMoreValuesThan(text, maxValues) ? undefined : JSON.parse(text);
  } catch (cause) {
    throw imageFault('IMAGE_INVALID', `${what} is not JSON`, { cause });
  }
  if (value === undefined) throw imageFault('IMAGE_INVALID', `${what} has more than ${maxValues} values`);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw imageFault('IMAGE_INVALID', `${what}: ${z.prettifyError(result.error).slice(0, 500)}`);
}
