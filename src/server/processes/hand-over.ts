/**
 * Gives a folder of root's, with all its content, to the account that runs the server. This happens only once: the
 * content goes before its folder, and the folder itself goes last. So the owner of the folder tells whether
 * everything is done, and a killed run continues where it stopped. A folder that already belongs to the account was
 * handed over, or the account put its files there: root does not look into it. So root only changes files in folders
 * that only root can write to, and the account can neither plant a link to a file of root's nor swap a file while
 * root works on it.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { join, relative } from 'node:path';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import { readMounts } from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import type { ServerAccount } from '../instance/account.ts';
import { dataPaths } from '../instance/instance.ts';

interface HandedOver {
  /** Files and folders that got a new owner in this run. */
  readonly changed: number;
  /**
   * Paths that stay as they are: other users' files, devices, mounts, and files with another name outside of the
   * folder.
   */
  readonly left: readonly string[];
}

/** The file system's own folder, and the set-up's record, which root trusts. */
const neverGiven: ReadonlySet<string> = new Set(['lost+found', 'set-up.json']);
const toldPaths = 10;

/** Hands over the server's data, and the images, which can be in the same folder. @throws Fault HAND_OVER_FAILED */
export function handOverAll(
  { dataDir, imagesDir }: Pick<Config, 'dataDir' | 'imagesDir'>,
  account: ServerAccount,
  log: Log,
): void {
  const layouts = [dataPaths(dataDir).registry, imagesDir];
  for (const folder of [dataDir, imagesDir]) handOver(folder, account, { layouts, log });
}

interface HandOverOptions {
  /** Absolute paths of OCI layouts; the account's group may read their blobs, since scans run with that group. */
  readonly layouts?: readonly string[];
  readonly log: Log;
}

/**
 * Takes about four times as long as `chown -R`, and no time when everything is done. Follows no links, crosses no
 * mounts. Only root may be able to change the folder's parents.
 * @param folder may be missing
 * @throws Fault HAND_OVER_FAILED when others than root can write to a folder of root's in it, or a file can't be
 * changed
 */
export function handOver(
  folder: string,
  account: ServerAccount,
  { layouts = [], log }: HandOverOptions,
): HandedOver {
  const top = openFolder(folder);
  if (top === undefined) return { changed: 0, left: [] };
  try {
    const stats = fstatSync(top);
    if (stats.uid === account.uid) return { changed: 0, left: [] };
    refuseStrange(folder, stats);
    const work = new Handing(realpathSync(folder), top, account, layouts);
    log.info({ folder, user: account.name }, 'giving the folder to the server’s user, once');
    work.contents('', stats);
    fchmodSync(top, work.modeOf('', stats));
    fchownSync(top, account.uid, account.gid);
    const left = work.left();
    if (left.length > 0)
      log.warn({ paths: left.slice(0, toldPaths), count: left.length }, 'these paths keep their owner');
    return { changed: work.changed + 1, left };
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw failed(
      `${folder} can't be given to the user ${account.name}: ${messageOf(cause)}`,
      'fix the cause, and start again',
      cause,
    );
  } finally {
    closeSync(top);
  }
}

class Handing {
  changed = 0;
  readonly #left: string[] = [];
  /** Files with several names, until their last name is found. */
  readonly #linked = new Map<number, { path: string; seen: number }>();
  readonly #folder: string;
  /** Always the same folder, even if its path changes meanwhile. */
  readonly #root: string;
  readonly #account: ServerAccount;
  readonly #mounted: ReadonlySet<string>;

  /** Paths of the layouts, relative to the top. */
  readonly #readable: readonly string[];

  constructor(folder: string, top: number, account: ServerAccount, layouts: readonly string[]) {
    this.#folder = folder;
    this.#readable = layouts.map((layout) => relative(folder, layout));
    this.#root = `/proc/self/fd/${top}`;
    this.#account = account;
    this.#mounted = new Set(readMounts().map(({ path }) => path));
  }

  /** @param path of a folder that only root can write to, below the top */
  contents(path: string, { dev }: Stats): void {
    for (const name of readdirSync(join(this.#root, path))) {
      if (path === '' && neverGiven.has(name)) continue;
      this.#entry(join(path, name), dev);
    }
  }

  left(): readonly string[] {
    return [...this.#left, ...[...this.#linked.values()].map(({ path }) => path)];
  }

  #entry(path: string, dev: number): void {
    const stats = lstatSync(join(this.#root, path));
    if (stats.uid === this.#account.uid) return;
    const whole = join(this.#folder, path);
    if (stats.uid !== 0 || stats.dev !== dev || this.#mounted.has(whole) || isDevice(stats)) {
      this.#left.push(whole);
      return;
    }
    if (stats.isDirectory()) {
      refuseStrange(whole, stats);
      this.contents(path, stats);
    } else if (stats.nlink > 1 && !this.#isLastName(whole, stats)) return;
    const mode = this.modeOf(path, stats);
    if (mode !== stats.mode) chmodSync(join(this.#root, path), mode);
    lchownSync(join(this.#root, path), this.#account.uid, this.#account.gid);
    this.changed++;
  }

  /** Adds rights only, and only for blobs and the folders on the path to them. */
  modeOf(path: string, stats: Stats): number {
    const isReadable = this.#readable.some((layout) => {
      const blobs = join(layout, 'blobs');
      return path === layout || path === blobs || path.startsWith(`${blobs}/`);
    });
    if (!isReadable) return stats.mode;
    if (stats.isDirectory()) return stats.mode | 0o050;
    return stats.isFile() ? stats.mode | 0o040 : stats.mode;
  }

  /** A change of the file under one name changes it under all. */
  #isLastName(path: string, { ino, nlink }: Stats): boolean {
    const known = this.#linked.get(ino) ?? { path, seen: 0 };
    known.seen++;
    if (known.seen < nlink) this.#linked.set(ino, known);
    else this.#linked.delete(ino);
    return known.seen === nlink;
  }
}

/**
 * Device files, which bypass the owners of files. The whiteout of a layer is a device without a number, and harmless.
 */
function isDevice(stats: Stats): boolean {
  return stats.isBlockDevice() || (stats.isCharacterDevice() && stats.rdev !== 0);
}

function openFolder(folder: string): number | undefined {
  try {
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return undefined;
    throw failed(`${folder} is not a folder`, 'name a folder', cause);
  }
}

/**
 * Other users can plant files in a folder that they can write to, such as a second name of a file that they can't
 * read.
 */
function refuseStrange(path: string, { uid, gid, mode }: Stats): void {
  const isOthers = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0);
  if (uid === 0 && !isOthers) return;
  throw failed(
    `${path} can't be given to the server's user: users other than root can write to it`,
    `check that everything in it belongs to Ward, then: chown root:root ${path} && chmod go-w ${path}`,
  );
}

function failed(message: string, hint: string, cause?: unknown) {
  return serverFault('HAND_OVER_FAILED', message, { hint, ...(cause === undefined ? {} : { cause }) });
}
