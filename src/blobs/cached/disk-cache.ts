/**
 * Copies of blobs on this node's disk, up to a bound. The least recently used ones are removed first, and a copy in use
 * stays. A copy is renamed when it is complete, so a crash leaves all of it or nothing. A power cut can damage what was
 * not flushed, so a copy of an earlier process is verified before its first use. Every copy has a file name of its own,
 * so removing an old copy never touches a newer one.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomHex } from '../../lib/index.ts';
import { digestHex, parseDigest } from '../digest.ts';
import type { FileWriterOptions } from '../file-writer.ts';
import type { Digest, LocalFile } from '../types.ts';
import { temporaryBeside } from '../whole-file.ts';

/** A file of the cache that stays until it is disposed of. */
export interface HeldCopy extends LocalFile {
  readonly size: number;
  /** Takes the copy out of the cache, because its bytes are wrong. */
  discard(): void;
}

/** A complete file with the bytes of a blob. */
interface KeptFile {
  readonly temporary: string;
  readonly size: number;
}

interface Entry {
  readonly key: string;
  readonly digest: Digest;
  readonly path: string;
  readonly size: number;
  uses: number;
  /** True once it is out of the cache; its file goes with its last use. */
  isOut: boolean;
  /** Whether its bytes are right; undefined: not known yet. */
  verified: Promise<boolean> | undefined;
  /** Time of the monotonic clock at which the file's time was last set. */
  markedAt: number;
}

const nameForm = /^([0-9a-f]{64})\.[0-9a-f]{8}$/;
/** The order survives a restart to within this time. */
const markEveryMs = 60_000;

/** The bound that all folders of a node share. */
export class CacheBound {
  readonly #maxBytes: number;
  /** From the least to the most recently used. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  add(entry: Entry): void {
    const before = this.#entries.get(entry.key);
    if (before !== undefined) this.remove(before);
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.size;
    this.shrink();
  }

  /** Its file goes now, or after its last use. */
  remove(entry: Entry): void {
    if (entry.isOut) return;
    entry.isOut = true;
    this.#entries.delete(entry.key);
    if (entry.uses === 0) this.#drop(entry);
  }

  release(entry: Entry): void {
    entry.uses--;
    if (entry.uses > 0) return;
    if (entry.isOut) this.#drop(entry);
    else this.shrink();
  }

  /** Removes copies that are not in use until the rest takes at most `maxBytes`. */
  shrink(maxBytes: number = this.#maxBytes): void {
    for (const entry of this.#entries.values()) {
      if (this.#bytes <= maxBytes) return;
      if (entry.uses === 0) this.remove(entry);
    }
  }

  #drop(entry: Entry): void {
    this.#bytes -= entry.size;
    // What stays behind is found at the next start.
    rm(entry.path, { force: true }).catch(() => {});
  }
}

interface CacheOptions {
  readonly dir: string;
  /** Mode of the files. */
  readonly mode: number;
  /** Mode of the folder. */
  readonly dirMode: number;
  readonly bound: CacheBound;
}

export class DiskCache {
  readonly #options: CacheOptions;

  private constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** Removes what earlier processes left half-written. No other process may use the folder. */
  static async open(options: CacheOptions): Promise<DiskCache> {
    const { dir, dirMode, bound } = options;
    await mkdir(dir, { recursive: true, mode: dirMode });
    const cache = new DiskCache(options);
    for (const entry of await cache.#foundFiles()) bound.add(entry);
    return cache;
  }

  /** A new file, for bytes on their way into the cache. */
  newFile(): FileWriterOptions {
    const { dir, mode } = this.#options;
    return { temporary: temporaryBeside(join(dir, 'new')), mode, folder: dir, isLasting: false };
  }

  /**
   * Makes the file a copy of the blob whose verified bytes it has.
   * @param uses called when it becomes one, for the uses that it begins with
   */
  async keep({ temporary, size }: KeptFile, digest: Digest, uses = () => 0): Promise<Entry> {
    const name = `${digestHex(digest)}.${randomHex(4)}`;
    const entry = this.#entryOf(name, digest, size, Promise.resolve(true));
    await rename(temporary, entry.path);
    entry.uses = uses();
    this.#options.bound.add(entry);
    return entry;
  }

  async keepBytes(bytes: Uint8Array, digest: Digest): Promise<void> {
    const { temporary, mode } = this.newFile();
    try {
      await writeFile(temporary, bytes, { flag: 'wx', mode });
      await this.keep({ temporary, size: bytes.length }, digest);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Whether there is a copy, which can turn out to be damaged. */
  has(digest: Digest): boolean {
    return this.#options.bound.find(this.#keyOf(digest)) !== undefined;
  }

  /** Undefined when there is no copy, or only a damaged one. */
  async hold(digest: Digest): Promise<HeldCopy | undefined> {
    const { bound } = this.#options;
    const entry = bound.find(this.#keyOf(digest));
    if (entry === undefined) return undefined;
    entry.uses++;
    const held = this.heldOf(entry);
    entry.verified ??= isDigestOfFile(entry.path, digest);
    const isGood = (await entry.verified) && (await sizeOf(entry.path)) === entry.size;
    if (isGood) {
      mark(entry);
      return held;
    }
    held.discard();
    await held[Symbol.asyncDispose]();
    return undefined;
  }

  /** One use of the entry. */
  heldOf(entry: Entry): HeldCopy {
    const { bound } = this.#options;
    let isHeld = true;
    return {
      ...{ path: entry.path, size: entry.size },
      discard: () => bound.remove(entry),
      [Symbol.asyncDispose]: async () => {
        if (isHeld) bound.release(entry);
        isHeld = false;
      },
    };
  }

  forget(digest: Digest): void {
    const { bound } = this.#options;
    const entry = bound.find(this.#keyOf(digest));
    if (entry !== undefined) bound.remove(entry);
  }

  #keyOf(digest: Digest): string {
    return join(this.#options.dir, digestHex(digest));
  }

  /** Copies of earlier processes, from the least to the most recently used. */
  async #foundFiles(): Promise<readonly Entry[]> {
    const { dir } = this.#options;
    const found: { readonly entry: Entry; readonly at: number }[] = [];
    for (const name of await readdir(dir)) {
      const path = join(dir, name);
      const hex = nameForm.exec(name)?.[1];
      if (hex === undefined) await rm(path, { force: true, recursive: true });
      else {
        const { size, mtimeMs: at } = await stat(path);
        found.push({ entry: this.#entryOf(name, parseDigest(`sha256:${hex}`), size, undefined), at });
      }
    }
    return found.toSorted((a, b) => a.at - b.at).map(({ entry }) => entry);
  }

  #entryOf(name: string, digest: Digest, size: number, verified: Promise<boolean> | undefined): Entry {
    const path = join(this.#options.dir, name);
    const times = { uses: 0, isOut: false, markedAt: performance.now() };
    return { key: this.#keyOf(digest), digest, path, size, verified, ...times };
  }
}

/** Sets the file's time, which gives the order after a restart. */
function mark(entry: Entry): void {
  const now = performance.now();
  if (now - entry.markedAt < markEveryMs) return;
  entry.markedAt = now;
  const date = new Date();
  utimes(entry.path, date, date).catch(() => {});
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.size,
    () => undefined,
  );
}

async function isDigestOfFile(path: string, digest: Digest): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(bytes);
  } catch {
    return false;
  }
  return hash.digest('hex') === digestHex(digest);
}
