/** Resolves the target of `ward image scan`: an image from any place, a folder, or an SBOM. */
import { access, open, readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formOf } from '../../images/index.ts';
import { errnoOf, isFault, messageOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';

export type ScanTarget =
  | { readonly kind: 'layout' | 'archive'; readonly path: string; readonly tag: string | undefined }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'sbom'; readonly bytes: Buffer };

const longestSbom = 256 * 1024 * 1024;

/**
 * Accepts `oci:DIR[:TAG]`, `archive:FILE[:TAG]`, `rootfs:DIR`, or a path, whose form it detects. Any other word is
 * the name of an image in Ward's store.
 * @param imagesDir the layout of that store
 * @param piped path of the content of standard input, if the word is `-`
 * @throws Fault SCAN_TARGET_INVALID
 */
export async function findTarget(word: string, imagesDir: string, piped?: string): Promise<ScanTarget> {
  if (piped !== undefined) return pipedAt(piped);
  const [, form, path = '', tag] = /^(oci|archive):([^:]+)(?::(.+))?$/s.exec(word) ?? [];
  if (form === 'oci') return { kind: 'layout', path: await existing(path, 'folder'), tag };
  if (form === 'archive') return { kind: 'archive', path: await existing(path, 'file'), tag };
  const folder = /^rootfs:(.+)$/s.exec(word)?.[1];
  if (folder !== undefined) return await filledFolder(await existing(folder, 'folder'));
  return (await lookAt(word)) ?? storedImage(word, imagesDir);
}

export const pipedName = 'standard input';

async function pipedAt(path: string): Promise<ScanTarget> {
  const target = await lookAt(path, pipedName);
  if (target === undefined) throw invalid(`${pipedName} is missing`);
  return target;
}

/** @throws Fault SCAN_TARGET_INVALID unless it exists and has the form of its prefix */
async function existing(path: string, what: 'folder' | 'file'): Promise<string> {
  const stats = await stat(path).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') throw invalid(`the ${what} ${path} does not exist`);
    throw invalid(`${path} can't be read: ${messageOf(cause)}`, cause);
  });
  if (what === 'folder' ? stats.isDirectory() : stats.isFile()) return resolve(path);
  throw invalid(`${path} is not a ${what}`);
}

function storedImage(name: string, imagesDir: string): ScanTarget {
  if (/^[a-z0-9][a-z0-9._-]*\/[a-z0-9._/-]+(?:[:@].+)?$/.test(name)) {
    throw serverFault('SCAN_TARGET_INVALID', `no file or folder ${name} exists`, {
      hint: `an image in the registry was scanned when it was pushed: ward image report ${name}`,
    });
  }
  if (/^[a-z0-9][a-z0-9._-]*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/.test(name) && name.length <= 255) {
    return { kind: 'layout', path: imagesDir, tag: name.includes(':') ? name : `${name}:latest` };
  }
  throw invalid(`${name} does not exist`);
}

/** Undefined when no file has that name. */
async function lookAt(path: string, name = path): Promise<ScanTarget | undefined> {
  try {
    await using file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) return folderAt(resolve(path));
    if (!stats.isFile()) throw invalid(`${name} is neither a file nor a folder`);
    const head = Buffer.alloc(512);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    if (bytesRead === 0) throw invalid(path === name ? `${name} is empty` : `${name} had no content`);
    return await fileAt({ path, name, head: head.subarray(0, bytesRead), sizeBytes: stats.size });
  } catch (cause) {
    if (isFault(cause)) throw cause;
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw invalid(`${name} can't be read: ${messageOf(cause)}`, cause);
  }
}

async function folderAt(path: string): Promise<ScanTarget> {
  const isLayout = await access(join(path, 'oci-layout')).then(
    () => true,
    () => false,
  );
  return isLayout ? { kind: 'layout', path, tag: undefined } : await filledFolder(path);
}

/** A failed build often leaves an empty folder, which would pass because it has no findings. */
async function filledFolder(path: string): Promise<ScanTarget> {
  if ((await readdir(path)).length === 0) throw invalid(`${path} is empty: there is nothing to scan`);
  return { kind: 'folder', path };
}

interface LookedAt {
  readonly path: string;
  readonly name: string;
  readonly head: Buffer;
  readonly sizeBytes: number;
}

async function fileAt({ path, name, head, sizeBytes }: LookedAt): Promise<ScanTarget> {
  const isTar = head.toString('latin1', 257, 262) === 'ustar';
  if (isTar || isCompressed(head)) return { kind: 'archive', path: resolve(path), tag: undefined };
  if (!/^(?:\ufeff)?\s*\{/.test(head.toString('utf8')))
    throw invalid(`${name} is neither an image in a tar archive nor an SBOM in JSON`);
  if (sizeBytes > longestSbom) throw invalid(`${name} has more than ${longestSbom} bytes`);
  return { kind: 'sbom', bytes: await readFile(path) };
}

/** Compressed with gzip or zstd, as by `docker save | gzip`. */
function isCompressed(head: Buffer): boolean {
  return head.length >= 4 && formOf(head) !== 'plain';
}

function invalid(what: string, cause?: unknown) {
  return serverFault('SCAN_TARGET_INVALID', what, {
    hint: 'name an image (NAME:TAG), oci:DIR[:TAG], a tar of docker save, - for one from a pipe, rootfs:DIR, a folder, or an SBOM',
    ...(cause === undefined ? {} : { cause }),
  });
}
