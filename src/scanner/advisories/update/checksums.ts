/**
 * Reads the checksums of a mirror: `SHA256SUMS`, as sha256sum(1) writes it, and its signature `SHA256SUMS.sig`. Both are at
 * the top of the mirror.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scannerFault } from '../../faults.ts';
import { type DownloadOptions, download, forget } from './download.ts';
import type { Mirror } from './mirror.ts';

/** SHA-256 as hex, by path below the top of the mirror. */
export type Checksums = ReadonlyMap<string, string>;

const listName = 'SHA256SUMS';
const signatureName = 'SHA256SUMS.sig';
const longestList = 4 * 1024 * 1024;
const longestSignature = 16 * 1024;

type Fetching = Pick<DownloadOptions, 'fetch' | 'pauseMs' | 'stallMs' | 'signal'>;

/**
 * Undefined when the mirror has no list and no signature is required.
 * @param folder for the downloads
 * @throws Fault ADVISORIES_UNTRUSTED, ADVISORIES_UNREACHABLE, ADVISORY_FILE_TOO_LARGE
 */
export async function readChecksums(
  mirror: Mirror,
  folder: string,
  fetching: Fetching,
): Promise<Checksums | undefined> {
  const get = (name: string, maxBytes: number) => smallFile({ mirror, folder, name, maxBytes }, fetching);
  const list = await get(listName, longestList);
  if (mirror.verify !== undefined) {
    const signature = await get(signatureName, longestSignature);
    if (list === undefined) throw untrusted(mirror, `it has no ${listName}`);
    if (signature === undefined) throw untrusted(mirror, `it has no ${signatureName}`);
    const isTrue = [signature, unarmoured(signature)].some((each) => mirror.verify?.(list, each));
    if (!isTrue) throw untrusted(mirror, `the key did not sign its ${listName}`);
  }
  return list && parseChecksums(list.toString('utf8'));
}

/** @throws Fault ADVISORIES_UNTRUSTED */
export function parseChecksums(text: string): Checksums {
  const sums = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const [, sum, path] = /^([0-9a-f]{64}) [ *](?:\.\/)?([^\0\r]+)$/.exec(line) ?? [];
    if (sum === undefined || path === undefined) {
      throw scannerFault(
        'ADVISORIES_UNTRUSTED',
        `line ${index + 1} of ${listName} is not one that sha256sum(1) writes`,
      );
    }
    // If two entries disagree, neither is trusted.
    sums.set(path, sums.has(path) && sums.get(path) !== sum ? '' : sum);
  }
  return sums;
}

interface SmallFile {
  readonly mirror: Mirror;
  readonly folder: string;
  readonly name: string;
  readonly maxBytes: number;
}

/** Undefined when there is no such file. */
async function smallFile(
  { mirror, folder, name, maxBytes }: SmallFile,
  fetching: Fetching,
): Promise<Buffer | undefined> {
  const file = join(folder, name);
  const { href: url } = new URL(name, mirror.url);
  try {
    const origin = await download({
      ...fetching,
      source: { name, url, maxBytes },
      file,
      known: undefined,
      mayBeAbsent: true,
      isSigned: mirror.verify !== undefined,
      gone: new Set(),
      progress: () => {},
    });
    return origin && (await readFile(file));
  } finally {
    await forget(file);
  }
}

/** `cosign sign-blob` writes base64. */
function unarmoured(signature: Buffer): Buffer {
  const text = signature.toString('latin1').trim();
  return /^[A-Za-z0-9+/\s]+=*$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
}

function untrusted({ url }: Mirror, reason: string): Error {
  return scannerFault('ADVISORIES_UNTRUSTED', `the mirror ${url.href} is not trusted: ${reason}`, {
    hint: `Have the mirror write and sign ${listName} again, or use the right key. The old advisories stay.`,
  });
}
