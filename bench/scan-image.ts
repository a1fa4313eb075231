/**
 * A typical image: Node.js, 100 packages of Debian, 400 of npm. It is built from what is installed on this machine, and
 * is the same each time as long as that does not change.
 */
import { mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, openBlobStore } from '../src/blobs/index.ts';
import { mustRun } from '../src/lib/index.ts';

const debianPackages = 100;
const npmPackages = 400;
/** A larger package is a tool's program, not what an application depends on. */
const largestDebianKiB = 4 * 1024;
const largestNpmBytes = 5 * 1024 ** 2;
const repository = fileURLToPath(new URL('..', import.meta.url));
const priorities = ['required', 'important', 'standard'];

export interface BenchImage {
  /** Folder of an OCI layout with no other image. */
  readonly layout: string;
  /** Compressed layers, lowest first. */
  readonly layers: readonly string[];
}

/** @param dir created here; also holds the files that the image is made from */
export async function makeNodeImage(dir: string): Promise<BenchImage> {
  await mkdir(dir, { recursive: true });
  const tars = [await debianLayer(dir), await nodeLayer(dir), await npmLayer(dir)];
  const layout = join(dir, 'layout');
  const blobs = openBlobStore(layout);
  const type = 'application/vnd.oci.image';
  const put = async (bytes: Buffer, mediaType: string) => {
    const digest = await blobs.put(bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const diffIds: string[] = [];
  const layers: Awaited<ReturnType<typeof put>>[] = [];
  for (const tar of tars) {
    diffIds.push(digestOf(await readFile(tar)));
    await mustRun(['gzip', '--no-name', tar]);
    layers.push(await put(await readFile(`${tar}.gz`), `${type}.layer.v1.tar+gzip`));
  }
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { User: '1000', Cmd: ['node', 'app/index.js'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  };
  const manifest = {
    schemaVersion: 2,
    config: await put(Buffer.from(JSON.stringify(config)), `${type}.config.v1+json`),
    layers,
  };
  const entry = await put(Buffer.from(JSON.stringify(manifest)), `${type}.manifest.v1+json`);
  const annotations = { 'org.opencontainers.image.ref.name': 'bench:v1' };
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  );
  return { layout, layers: tars.map((tar) => `${tar}.gz`) };
}

async function debianLayer(dir: string): Promise<string> {
  const stanzas = (await readFile('/var/lib/dpkg/status', 'utf8')).split('\n\n').flatMap(stanzaOf);
  const chosen = stanzas
    .filter(({ sizeKiB }) => sizeKiB <= largestDebianKiB)
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .slice(0, debianPackages);
  const lists = await Promise.all(chosen.map(async ({ lists }) => linesOf(await firstOf(lists))));
  const own = join(dir, 'debian');
  await mkdir(join(own, 'var/lib/dpkg'), { recursive: true });
  await mkdir(join(own, 'etc'));
  await writeFile(join(own, 'var/lib/dpkg/status'), chosen.map(({ text }) => `${text}\n\n`).join(''));
  await writeFile(join(own, 'etc/os-release'), await readFile('/etc/os-release'));
  return makeTar(join(dir, 'debian.tar'), await regularFiles(lists.flat()), ['-C', own, 'var', 'etc']);
}

interface Stanza {
  readonly name: string;
  readonly rank: number;
  readonly sizeKiB: number;
  readonly text: string;
  /** Paths where its list of files may be. */
  readonly lists: readonly string[];
}

function stanzaOf(text: string): Stanza[] {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
  if (field('Status') !== 'install ok installed') return [];
  const name = field('Package');
  const rank = priorities.indexOf(field('Priority'));
  const info = (base: string) => `/var/lib/dpkg/info/${base}.list`;
  return [
    {
      name,
      rank: rank < 0 ? priorities.length : rank,
      sizeKiB: Number(field('Installed-Size')),
      text: text.trim(),
      lists: [info(name), info(`${name}:${field('Architecture')}`)],
    },
  ];
}

async function firstOf(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  throw new Error(`none of ${paths.join(', ')} exists`);
}

function nodeLayer(dir: string): Promise<string> {
  const more = ['--transform', 's,.*,usr/local/bin/node,'];
  return makeTar(join(dir, 'node.tar'), [process.execPath], more);
}

/** Takes Ward's packages as those of an application, and fills up with npm's own. */
async function npmLayer(dir: string): Promise<string> {
  const lock: unknown = JSON.parse(
    await readFile(join(repository, 'node_modules/.package-lock.json'), 'utf8'),
  );
  const npm = join(dirname(await realpath(await programOf('npm'))), '../node_modules');
  const folders = [
    ...Object.keys(Object(Object(lock).packages))
      .sort()
      .map((path) => join(repository, path)),
    ...(await foldersIn(npm)),
  ];
  const paths: string[] = [];
  let count = 0;
  for (const folder of folders) {
    const files = await ownFiles(folder);
    if (files === undefined) continue;
    paths.push(...files);
    count++;
    if (count === npmPackages) return makeTar(join(dir, 'npm.tar'), paths, []);
  }
  throw new Error(`${npmPackages} packages of npm are needed, but only ${count} were found`);
}

async function programOf(name: string): Promise<string> {
  return (await mustRun(['which', name])).trim();
}

async function foldersIn(dir: string): Promise<readonly string[]> {
  const found = await mustRun(['find', dir, '-mindepth', '2', '-maxdepth', '3', '-name', 'package.json']);
  return linesOf(found).map(dirname).sort();
}

/** Files of the package without packages nested in it; undefined when it is missing or too large. */
async function ownFiles(dir: string): Promise<readonly string[] | undefined> {
  const own = ['-path', `${dir}/node_modules`, '-prune', '-o', '-type', 'f', '-printf', '%s %p\\n'];
  const files = linesOf(await mustRun(['find', dir, ...own]).catch(() => ''));
  const bytes = files.reduce((sum, line) => sum + Number.parseInt(line, 10), 0);
  if (files.length === 0 || bytes > largestNpmBytes) return undefined;
  return files.map((line) => line.slice(line.indexOf(' ') + 1));
}

async function regularFiles(paths: readonly string[]): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) kept.push(path);
  }
  return kept;
}

/** @param paths absolute */
async function makeTar(tar: string, paths: readonly string[], more: readonly string[]): Promise<string> {
  const sorted = [...new Set(paths)].sort();
  const same = ['--format=gnu', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await mustRun(['tar', ...same, '-cf', tar, ...more, '-C', '/', '--no-recursion', '-T', '-'], {
    input: sorted.map((path) => `${path.slice(1)}\n`).join(''),
  });
  return tar;
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
