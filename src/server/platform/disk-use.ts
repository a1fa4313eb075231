/**
 * How much of the disk Ward uses, by what it is for: looked at when somebody asks, and not again for a while. One look goes
 * through the folders entry by entry, so it takes no more than a thread of the pool, and it gives up a folder with very many.
 */
import { lstat, opendir, readdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errnoOf } from '../../lib/index.ts';
import type { Config } from '../config/config.ts';

/** `evidence`: reports, verdicts and the audit log. `images`: pushed ones. The last one is everything else. */
export const diskParts = [
  'database',
  'code',
  'images',
  'evidence',
  'advisories',
  'runtime-images',
  'unpacked-images',
  'image-builds',
  'scan-cache',
  'work',
  'backup',
  'reserve',
  'other',
] as const;

export interface PartOnDisk {
  readonly what: (typeof diskParts)[number];
  /** Folders and files, absolute. */
  readonly paths: readonly string[];
  /** Of the disk, as `du` counts them: a file with several names once. */
  readonly bytes: number;
  readonly files: number;
  /** False: it has more files than one look counts, or some that the server can't see. */
  readonly isWhole: boolean;
}

export interface DiskUse {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Of the file system of the data folder. */
  readonly totalBytes: number;
  /** The largest first. */
  readonly parts: readonly PartOnDisk[];
}

interface DiskUseOptions {
  readonly config: Pick<Config, 'dataDir' | 'imagesDir'>;
  /** A look is good for so long. */
  readonly goodForMs?: number;
  /** Entries of one part. */
  readonly mostEntries?: number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

type What = PartOnDisk['what'];

const usualGoodForMs = 60_000;
const usualMostEntries = 100_000;
const blockBytes = 512;

/** Of the data folder, where not `other`. What a folder `gate` holds is told apart below. */
const inData: Readonly<Record<string, What>> = {
  state: 'database',
  code: 'code',
  registry: 'images',
  advisories: 'advisories',
  work: 'work',
  laid: 'work',
  backup: 'backup',
  restore: 'backup',
  reserve: 'reserve',
};
const inGate: Readonly<Record<string, What>> = { layers: 'scan-cache' };
const inImages: Readonly<Record<string, What>> = {
  blobs: 'runtime-images',
  layers: 'unpacked-images',
  build: 'image-builds',
};

/** Returns a look. Looks at the same time are one. */
export function createDiskUse(options: DiskUseOptions): () => Promise<DiskUse> {
  const { goodForMs = usualGoodForMs, now = Date.now } = options;
  let last: { readonly at: number; readonly use: Promise<DiskUse> } | undefined;
  return () => {
    if (last === undefined || now() - last.at >= goodForMs) {
      const begun = { at: now(), use: lookAt(options, now()) };
      last = begun;
      begun.use.catch(() => {
        if (last === begun) last = undefined;
      });
    }
    return last.use;
  };
}

async function lookAt(
  { config: { dataDir, imagesDir }, mostEntries = usualMostEntries }: DiskUseOptions,
  at: number,
): Promise<DiskUse> {
  const { blocks, bsize } = await statfs(dataDir);
  const places = [
    ...(await placesIn(dataDir, inData, 'other', [join(dataDir, 'gate'), resolve(imagesDir)])),
    ...(await placesIn(join(dataDir, 'gate'), inGate, 'evidence')),
    ...(await placesIn(imagesDir, inImages, 'other')),
  ];
  const parts: PartOnDisk[] = [];
  for (const what of diskParts) {
    const paths = places.filter((place) => place.what === what).map(({ path }) => path);
    if (paths.length > 0) parts.push({ what, paths, ...(await measure(paths, mostEntries)) });
  }
  return { at, totalBytes: blocks * bsize, parts: parts.toSorted((one, other) => other.bytes - one.bytes) };
}

interface Place {
  readonly what: What;
  readonly path: string;
}

/** @param except are looked at elsewhere */
async function placesIn(
  folder: string,
  names: Readonly<Record<string, What>>,
  rest: What,
  except: readonly string[] = [],
): Promise<readonly Place[]> {
  const found = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return found
    .map((name) => ({ what: (Object.hasOwn(names, name) && names[name]) || rest, path: join(folder, name) }))
    .filter(({ path }) => !except.includes(path));
}

/** Follows no link. */
async function measure(
  paths: readonly string[],
  most: number,
): Promise<Pick<PartOnDisk, 'bytes' | 'files' | 'isWhole'>> {
  const seen = new Set<string>();
  const waiting = [...paths];
  let [bytes, files, entries, isWhole] = [0, 0, 0, true];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (entries++ === most) return { bytes, files, isWhole: false };
    const found = await lstat(path).catch(() => undefined);
    // It went while Ward looked.
    if (found === undefined) continue;
    const id = `${found.dev} ${found.ino}`;
    if (found.nlink > 1 && !found.isDirectory() && seen.size === seen.add(id).size) continue;
    bytes += found.blocks * blockBytes;
    if (!found.isDirectory()) files++;
    else if (!(await addEntries(path, waiting, most - entries))) isWhole = false;
  }
  return { bytes, files, isWhole };
}

/** @returns whether these are all */
async function addEntries(folder: string, to: string[], most: number): Promise<boolean> {
  try {
    for await (const { name } of await opendir(folder)) {
      if (to.length > most) return false;
      to.push(join(folder, name));
    }
    return true;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}
