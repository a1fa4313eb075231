/** What the word after `ward image scan` is: an image, wherever it is kept, a folder, or an SBOM. */
import { access, open, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formOf } from '../images/index.ts';
import { errnoOf, isFault, messageOf } from '../lib/index.ts';
import { serverFault } from './faults.ts';

export type ScanTarget =
  | { readonly kind: 'layout' | 'archive'; readonly path: string; readonly tag: string | undefined }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'sbom'; readonly bytes: Buffer };

const longestSbom = 256 * 1024 * 1024;

/**
 * `oci:DIR[:TAG]`, `archive:FILE[:TAG]`, `rootfs:DIR`, or a path, of which it is looked at what it is. What is no path is the
 * name of an image in Ward's store.
 * @param imagesDir the layout of that store
 * @throws Fault SCAN_TARGET_INVALID
 */
export async function findTarget(word: string, imagesDir: string): Promise<ScanTarget> {
  const [, form, path = '', tag] = /^(oci|archive):([^:]+)(?::(.+))?$/s.exec(word) ?? [];
  if (form === 'oci') return { kind: 'layout', path: resolve(path), tag };
  if (form === 'archive') return { kind: 'archive', path: resolve(path), tag };
  const folder = /^rootfs:(.+)$/s.exec(word)?.[1];
  if (folder !== undefined) return { kind: 'folder', path: resolve(folder) };
  return (await lookAt(word)) ?? storedImage(word, imagesDir);
}

function storedImage(name: string, imagesDir: string): ScanTarget {
  if (/^[a-z0-9][a-z0-9._-]*\/[a-z0-9._/-]+(?:[:@].+)?$/.test(name)) {
    throw serverFault('SCAN_TARGET_INVALID', `there is no file or folder ${name}`, {
      hint: `an image in the registry was scanned when it was pushed: ward image report ${name}`,
    });
  }
  if (/^[a-z0-9][a-z0-9._-]*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/.test(name) && name.length <= 255) {
    return { kind: 'layout', path: imagesDir, tag: name.includes(':') ? name : `${name}:latest` };
  }
  throw invalid(`there is no ${name}`);
}

/** Undefined when there is nothing of that name. */
async function lookAt(path: string): Promise<ScanTarget | undefined> {
  try {
    await using file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) return folderAt(resolve(path));
    if (!stats.isFile()) throw invalid(`${path} is neither a file nor a folder`);
    const head = Buffer.alloc(512);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return await fileAt(path, head.subarray(0, bytesRead), stats.size);
  } catch (cause) {
    if (isFault(cause)) throw cause;
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw invalid(`${path} can't be read: ${messageOf(cause)}`, cause);
  }
}

async function folderAt(path: string): Promise<ScanTarget> {
  const isLayout = await access(join(path, 'oci-layout')).then(
    () => true,
    () => false,
  );
  return isLayout ? { kind: 'layout', path, tag: undefined } : { kind: 'folder', path };
}

async function fileAt(path: string, head: Buffer, sizeBytes: number): Promise<ScanTarget> {
  const isTar = head.toString('latin1', 257, 262) === 'ustar';
  if (isTar || isCompressed(head)) return { kind: 'archive', path: resolve(path), tag: undefined };
  if (!/^(?:\ufeff)?\s*\{/.test(head.toString('utf8')))
    throw invalid(`${path} is neither an image in a tar archive nor an SBOM in JSON`);
  if (sizeBytes > longestSbom) throw invalid(`${path} has more than ${longestSbom} bytes`);
  return { kind: 'sbom', bytes: await readFile(path) };
}

/** By gzip or zstd, as by `docker save | gzip`. */
function isCompressed(head: Buffer): boolean {
  return head.length >= 4 && formOf(head) !== 'plain';
}

function invalid(what: string, cause?: unknown) {
  return serverFault('SCAN_TARGET_INVALID', what, {
    hint: 'name an image (NAME:TAG), oci:DIR[:TAG], a tar of docker save, rootfs:DIR, a folder, or an SBOM',
    ...(cause === undefined ? {} : { cause }),
  });
}
