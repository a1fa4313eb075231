/**
 * Caches the analyses of layers: one file for each layer and each revision of the analysers. The key is the digest of the
 * stored bytes, so an image can't pair a layer with the diff id of another. A file ends in a checksum: a file that a killed
 * process or a power cut left incomplete is not used, and the next write replaces it.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { type Digest, readRegularFile } from '../../blobs/index.ts';
import type { Analysers } from '../collect/collector.ts';
import type { ConfigInspector } from '../types.ts';
import type { LayerAnalysis } from './analysis.ts';

interface LayerCache {
  get(digest: Digest): Promise<LayerAnalysis | undefined>;
  put(analysis: LayerAnalysis): Promise<void>;
}

/** Increase it when layers are read differently, or when the form of an analysis changes. */
const readerRevision = 9;
const maxFileBytes = 256 * 1024 * 1024;
/** The limit for all files. The least recently used are removed first. */
const maxTotalBytes = 512 * 1024 * 1024;
/** Number of writes between two checks of the total size. */
const writesPerSweep = 50;
const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/**
 * @param dir Created if it is missing. If undefined, nothing is cached.
 * @param revision of the analysers
 */
export function openLayerCache(
  dir: string | undefined,
  revision: () => Promise<string>,
  isReadOnly = false,
): LayerCache {
  if (dir === undefined) return { get: async () => undefined, put: async () => undefined };
  const pathOf = async (digest: Digest) => {
    const key = `${digest}\n${await revision()}`;
    return join(dir, `${createHash('sha256').update(key).digest('hex')}.json.zst`);
  };
  let writes = 0;
  return {
    get: async (digest) => {
      const path = await pathOf(digest);
      const analysis = await readAnalysis(path);
      if (analysis?.digest !== digest) return undefined;
      if (isReadOnly) return analysis;
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return analysis;
    },
    put: async (analysis) => {
      if (isReadOnly) return;
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await writeFile(await pathOf(analysis.digest), await compress(JSON.stringify(analysis), withChecksum));
      if (writes++ % writesPerSweep === 0) await sweep(dir);
    },
  };
}

/** Identifies what the analyses of layers and configurations depend on besides their content. */
export function revisionOf(
  { catalogers, inspectors }: Analysers,
  config: readonly ConfigInspector[] = [],
): string {
  const all = [...catalogers, ...inspectors, ...config].map(({ name, revision }) => [name, revision]);
  return createHash('sha256')
    .update(JSON.stringify([readerRevision, all]))
    .digest('hex');
}

/** Undefined when the file is missing or unusable. */
async function readAnalysis(path: string): Promise<LayerAnalysis | undefined> {
  try {
    const bytes = await readRegularFile(path, maxFileBytes);
    return bytes && JSON.parse((await decompress(bytes, { maxOutputLength: maxFileBytes })).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Counts all files in the folder, so leftovers of killed writes go, too. */
async function sweep(dir: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(dir)).map(async (name) => {
      const found = await stat(join(dir, name)).catch(() => undefined);
      return { name, size: found?.size ?? 0, usedAt: found?.mtimeMs ?? 0 };
    }),
  );
  let total = 0;
  for (const { name, size } of files.sort((a, b) => b.usedAt - a.usedAt)) {
    total += size;
    if (total > maxTotalBytes) await rm(join(dir, name), { force: true });
  }
}
