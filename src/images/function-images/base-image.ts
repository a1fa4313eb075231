/**
 * Finds the base of an image, which must be in Ward's own store. Looks up its name once and then uses its digest, so
 * that a name that moves meanwhile changes nothing.
 */

import { blobPath, blobSize, type Digest } from '../../blobs/index.ts';
import { runtimeKinds } from '../base-images/recipe.ts';
import { imageFault } from '../faults.ts';
import { readImageFrom, readIndex, refNameOf } from '../oci/layout.ts';
import { readDocumentFile } from '../oci/layout-blobs.ts';
import { type Config, type Descriptor, manifestMediaType } from '../oci/schema.ts';
import { parseReference } from '../reference.ts';
import { pickEntry } from '../store/image-store.ts';

export interface BaseImage {
  /** Its name in the store, with its tag. */
  readonly name: string;
  readonly digest: Digest;
  /** The digest of its manifest. */
  readonly descriptor: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly config: Config;
  /** The kind that it runs, `nodejs:24`; undefined when it is not one of Ward's runtimes. */
  readonly kind: string | undefined;
}

/** The label of a runtime image with its kind. */
const kindLabel = 'ward.kind';

/**
 * @param name `nodejs:24`, with an expected digest (`@sha256:…`) or without
 * @param architecture in OCI's notation
 * @throws Fault BASE_NOT_TRUSTED, IMAGE_INVALID
 */
export async function findBase(storeDir: string, name: string, architecture: string): Promise<BaseImage> {
  const { plainName, pinned } = splitName(name);
  const index = await readIndex(storeDir);
  const known = storedNames(index);
  if (!known.includes(plainName)) throw notTrusted(name, known);
  const entry = pickEntry(plainName, storeDir, index, plainName, architecture);
  const read = async ({ digest }: Descriptor) =>
    (await readDocumentFile(blobPath(storeDir, digest))) ?? Buffer.alloc(0);
  const { digest, manifest, config } = await readImageFrom(read, entry, architecture);
  if (config.architecture !== architecture) {
    throw imageFault('IMAGE_INVALID', `${plainName} is for ${config.architecture}, not for ${architecture}`);
  }
  if (pinned !== undefined && pinned !== digest) {
    throw imageFault('BASE_NOT_TRUSTED', `${plainName} is ${digest} in the image store, not ${pinned}`, {
      hint: 'Use the digest in the store, or omit the digest.',
    });
  }
  for (const layer of manifest.layers) {
    if ((await blobSize(storeDir, layer.digest)) === layer.size) continue;
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} of ${plainName} is not in the image store`);
  }
  const size = await blobSize(storeDir, digest);
  const descriptor = { mediaType: manifestMediaType, digest, size: size ?? 0 };
  const kind = config.config?.Labels?.[kindLabel];
  return { name: plainName, digest, descriptor, layers: manifest.layers, config, kind };
}

/** The runtime image of a kind, `nodejs:24` or `nodejs:default`. @throws Fault BUILD_FOLDER_INVALID */
export function baseOfKind(kind: string): string {
  const kinds = runtimeKinds();
  const found = kinds.find((each) => each.kind === kind || each.aliases.includes(kind));
  if (found !== undefined) return found.image;
  throw imageFault('BUILD_FOLDER_INVALID', `the kind ${JSON.stringify(kind.slice(0, 100))} does not exist`, {
    hint: `Use one of ${kinds.map((each) => each.kind).join(', ')}.`,
  });
}

function splitName(name: string): { readonly plainName: string; readonly pinned: string | undefined } {
  const at = name.indexOf('@');
  const parsed = parseReference(at < 0 ? name : name.slice(0, at));
  if (parsed.form !== 'store') throw notTrusted(name, []);
  return { plainName: parsed.name, pinned: at < 0 ? undefined : name.slice(at + 1) };
}

function storedNames(index: Awaited<ReturnType<typeof readIndex>>): string[] {
  return (index?.manifests ?? []).flatMap((entry) => refNameOf(entry) ?? []).sort();
}

function notTrusted(name: string, known: readonly string[]): Error {
  const there = [...new Set(known)].slice(0, 20).join(', ');
  return imageFault(
    'BASE_NOT_TRUSTED',
    `${JSON.stringify(name.slice(0, 200))} is not in Ward’s image store`,
    {
      hint: `Build on an image in the store${there === '' ? '' : `: ${there}`}.`,
    },
  );
}
