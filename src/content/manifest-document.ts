/**
 * A pushed manifest: its bytes are kept unchanged, and parsed so that every reader agrees on the meaning. Refuses
 * documents that programs can read differently: an image and an index at once (CVE-2021-41190), duplicate keys, keys
 * that differ from a known one only in case (Go's parser accepts them). Source: OCI image-spec v1.1, manifest.md and
 * image-index.md; Docker's schema 2 is the same.
 */
import { z } from 'zod';
import {
  type Digest,
  digestOf,
  isDigest,
  isDigestOf,
  isSecondName,
  type SecondName,
} from '../blobs/index.ts';
import {
  configMediaType,
  type Descriptor,
  descriptorSchema,
  findMiscasedKey,
  findTrouble,
  indexMediaType,
  manifestKeys,
  manifestMediaType,
} from '../images/index.ts';
import { isJsonObject } from '../lib/index.ts';
import { registryStoreFault } from './faults.ts';

/** Limit of a manifest's bytes: the minimum that the distribution-spec requires of every registry. */
export const maxManifestBytes = 4 * 1024 * 1024;

export interface ManifestDocument {
  readonly digest: Digest;
  readonly mediaType: string;
  /** The unchanged bytes. */
  readonly bytes: Buffer;
  readonly isIndex: boolean;
  /** Undefined in an index. */
  readonly config: Descriptor | undefined;
  /** Lowest first; empty in an index. */
  readonly layers: readonly Descriptor[];
  /** The entries of an index. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one describes. */
  readonly subject: Digest | undefined;
  /** The subject as written in the document, possibly a name whose bytes Ward does not know. */
  readonly subjectName: Digest | SecondName | undefined;
  /** Type of a manifest that is not a runnable image: its own, or that of its configuration. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

const dockerManifestMediaType = 'application/vnd.docker.distribution.manifest.v2+json';
const dockerListMediaType = 'application/vnd.docker.distribution.manifest.list.v2+json';
const dockerConfigMediaType = 'application/vnd.docker.container.image.v1+json';

const imageTypes: readonly string[] = [manifestMediaType, dockerManifestMediaType];
const indexTypes: readonly string[] = [indexMediaType, dockerListMediaType];
const imageConfigTypes: readonly string[] = [configMediaType, dockerConfigMediaType];

/** Generic types that some clients send instead of a specific one. */
const vagueTypes: readonly string[] = ['', 'application/json', 'application/octet-stream'];
/** Parsing a larger document would delay all other requests. */
const textLimits = { depth: 32, keys: 40_000, values: 80_000 };
const maxDescriptors = 5000;

const pushedDescriptorSchema = descriptorSchema.extend({
  digest: z
    .string()
    .refine((text) => isDigest(text) || isSecondName(text), 'neither a sha256 nor a sha512 digest'),
});
type PushedDescriptor = z.infer<typeof pushedDescriptorSchema>;

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().nullish(),
  artifactType: z.string().max(255).nullish(),
  subject: pushedDescriptorSchema.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
};
const imageSchema = z.looseObject({
  ...common,
  config: pushedDescriptorSchema,
  layers: z.array(pushedDescriptorSchema).max(maxDescriptors),
  manifests: z.undefined().optional(),
});
const indexSchema = z.looseObject({
  ...common,
  manifests: z.array(pushedDescriptorSchema).max(maxDescriptors),
  config: z.undefined().optional(),
  layers: z.undefined().optional(),
});

export function isManifestType(mediaType: string): boolean {
  return imageTypes.includes(mediaType) || indexTypes.includes(mediaType);
}

/**
 * @param contentType the client's type, with parameters or empty; it counts when the document has no type
 * @param names digests of content, by the second names that the manifest can use
 * @throws Fault MANIFEST_INVALID, MANIFEST_PART_UNKNOWN
 */
export function readManifestDocument(
  bytes: Buffer,
  contentType: string,
  names: ReadonlyMap<string, Digest> = new Map(),
): ManifestDocument {
  const value = parseStrictly(bytes);
  const mediaType = typeOf(value, contentType.split(';')[0]?.trim().toLowerCase() ?? '');
  const isIndex = indexTypes.includes(mediaType);
  const parsed = (isIndex ? indexSchema : imageSchema).safeParse(value);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll('\n', ' ').slice(0, 500));
  const { subject, artifactType, annotations } = parsed.data;
  for (const each of [
    parsed.data.config,
    subject,
    ...(parsed.data.layers ?? []),
    ...(parsed.data.manifests ?? []),
  ])
    checkEmbedded(each);
  const known = (each: PushedDescriptor) => ({ ...each, digest: knownDigest(each, names) });
  const config = parsed.data.config && known(parsed.data.config);
  const subjectName = subject === null || subject === undefined ? undefined : nameOf(subject);
  return {
    digest: digestOf(bytes),
    mediaType,
    bytes,
    isIndex,
    config,
    layers: parsed.data.layers?.map(known) ?? [],
    manifests: parsed.data.manifests?.map(known) ?? [],
    subject: subjectName && (isDigest(subjectName) ? subjectName : names.get(subjectName)),
    subjectName,
    artifactType: artifactType || configAsType(config),
    annotations: annotations ?? {},
  };
}

/** Reads a manifest that was accepted before, without the type that its client declared. @throws Fault MANIFEST_INVALID */
export function readStoredManifest(bytes: Buffer): ManifestDocument {
  const value = parseStrictly(bytes);
  if ('mediaType' in value && value.mediaType) return readManifestDocument(bytes, '');
  return readManifestDocument(bytes, 'manifests' in value ? indexMediaType : manifestMediaType);
}

/** Whether its configuration is that of an image: engines run such a manifest, even if it declares another type. */
export function hasImageConfig({ config }: Pick<ManifestDocument, 'config'>): boolean {
  return config !== undefined && imageConfigTypes.includes(config.mediaType);
}

/** Type in lists of referrers: its own, or that of its configuration. */
export function listedArtifactType({ artifactType, config }: ManifestDocument): string | undefined {
  return artifactType ?? config?.mediaType;
}

/** @throws Fault MANIFEST_PART_UNKNOWN */
function knownDigest({ digest }: PushedDescriptor, names: ReadonlyMap<string, Digest>): Digest {
  const known = isDigest(digest) ? digest : names.get(digest);
  if (known !== undefined) return known;
  throw registryStoreFault('MANIFEST_PART_UNKNOWN', `no blob has the digest ${digest}: push it first`);
}

function nameOf({ digest }: PushedDescriptor): Digest | SecondName | undefined {
  return isDigest(digest) || isSecondName(digest) ? digest : undefined;
}

/** Refuses embedded data, which some readers take for the content itself. */
function checkEmbedded(descriptor: PushedDescriptor | null | undefined): void {
  const data = descriptor?.['data'];
  if (descriptor == null || data == null) return;
  const name = nameOf(descriptor);
  if (typeof data === 'string' && name !== undefined && isDigestOf(name, Buffer.from(data, 'base64'))) return;
  throw invalid(`the data that is embedded for ${descriptor.digest} has another digest`);
}

function configAsType(config: Descriptor | undefined): string | undefined {
  return config === undefined || imageConfigTypes.includes(config.mediaType) ? undefined : config.mediaType;
}

function parseStrictly(bytes: Buffer): object {
  const text = decode(bytes);
  const trouble = findTrouble(text, textLimits);
  if (trouble !== undefined) throw invalid(trouble);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  if (!isJsonObject(value)) throw invalid('it is not an object');
  const miscased = findMiscasedKey(value, manifestKeys);
  if (miscased !== undefined)
    throw invalid(`it has the key ${shown(miscased)}, which some would read as another`);
  return value;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid('it is not text in UTF-8');
  }
}

function typeOf(value: object, contentType: string): string {
  const own = 'mediaType' in value && typeof value.mediaType === 'string' ? value.mediaType : '';
  if (own !== '' && !vagueTypes.includes(contentType) && own !== contentType) {
    throw invalid(`its own type is ${shown(own)}, and the request declares ${shown(contentType)}`);
  }
  const mediaType = own === '' ? contentType : own;
  if (isManifestType(mediaType)) return mediaType;
  const known = [...imageTypes, ...indexTypes].join(', ');
  throw invalid(`its type is ${shown(mediaType)}, which is not one of ${known}`);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function invalid(why: string) {
  return registryStoreFault('MANIFEST_INVALID', `the registry refuses the manifest: ${why}`);
}
