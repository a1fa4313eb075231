/**
 * Takes from a `.deb` its wanted files and its entry for the package database in distroless form
 * (`var/lib/dpkg/status.d/<package>` and `<package>.md5sums`, with only the kept files), so that a scanner finds
 * every package. Never runs maintainer scripts.
 */
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { startCommand } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { plainMode, type Tree, treePath } from './tree.ts';

export interface DebOptions {
  readonly name: string;
  readonly file: string;
  /** Tells whether the tree should have this path of the package. */
  readonly keeps: (path: string) => boolean;
  /** Gets every file, including those that are not kept: they can be parts of a bundle. */
  readonly onFile?: (path: string, bytes: Buffer) => void;
}

/** Adds the package to `tree`. Returns the newest time stamp among its files, in seconds. */
export async function addDeb(tree: Tree, { name, file, keeps, onFile }: DebOptions): Promise<number> {
  const kept = new Set<string>();
  let newest = 0;
  for await (const entry of tarOf(['dpkg-deb', '--fsys-tarfile', file])) {
    const { header } = entry;
    const path = treePath(header.name);
    newest = Math.max(newest, Math.floor((header.mtime?.getTime() ?? 0) / 1000));
    const bytes = await buffer(entry);
    if (header.type === 'file') onFile?.(path, bytes);
    if (path === '' || !keeps(path)) continue;
    if (header.type === 'file') {
      tree.add(path, { type: 'file', mode: plainMode(header.mode ?? 0o644), bytes });
      kept.add(path);
    } else if (header.type === 'symlink') {
      tree.add(path, { type: 'link', target: header.linkname ?? '' });
    } else if (header.type === 'link') {
      const original = tree.entries.get(treePath(header.linkname ?? ''));
      if (original?.type !== 'file') {
        throw imageFault('IMAGE_BUILD_FAILED', `${name}: ${path} is a hard link to a file that is not kept`);
      }
      tree.add(path, original);
      kept.add(path);
    } else if (header.type !== 'directory') {
      throw imageFault('IMAGE_BUILD_FAILED', `${name}: ${path} is a ${header.type}`);
    }
  }
  await addStatus(tree, name, file, kept);
  return newest;
}

async function addStatus(tree: Tree, name: string, file: string, kept: ReadonlySet<string>): Promise<void> {
  const parts = new Map<string, string>();
  for await (const entry of tarOf(['dpkg-deb', '--ctrl-tarfile', file])) {
    parts.set(treePath(entry.header.name), (await buffer(entry)).toString('utf8'));
  }
  const control = parts.get('control');
  if (control === undefined) throw imageFault('IMAGE_BUILD_FAILED', `${file} has no control file`);
  const status = control.trimEnd().replace(/^Package: .*$/m, '$&\nStatus: install ok installed');
  const sums = (parts.get('md5sums') ?? '')
    .split('\n')
    .filter((line) => kept.has(treePath(line.slice(34))))
    .map((line) => `${line}\n`);
  const folder = 'var/lib/dpkg/status.d';
  tree.add(`${folder}/${name}`, { type: 'file', mode: 0o644, bytes: Buffer.from(`${status}\n`) });
  tree.add(`${folder}/${name}.md5sums`, { type: 'file', mode: 0o644, bytes: Buffer.from(sums.join('')) });
}

async function* tarOf(argv: readonly string[]) {
  const child = startCommand(argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((done, failed) => {
    child.once('error', failed).once('close', done);
  });
  const said = child.stderr === null ? '' : buffer(child.stderr);
  if (child.stdout === null) throw imageFault('IMAGE_BUILD_FAILED', `${argv[0]} has no output`);
  yield* tarEntries(child.stdout);
  if ((await ended) !== 0) throw imageFault('IMAGE_BUILD_FAILED', `${argv.join(' ')}: ${await said}`);
}

/** The entries of a trusted tar stream; a failing source fails the iteration. */
export async function* tarEntries(source: Readable) {
  const reader = extract();
  source.once('error', (error) => reader.destroy(error));
  source.pipe(reader);
  yield* reader;
}
