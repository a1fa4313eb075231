/**
 * The disks beside the system's: one with npm packages and runtime images, kept until they change, and one with Ward
 * from this checkout, created for every run.
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openImageStore } from '../../src/images/index.ts';
import { mustRun, runCommand, scanId } from '../../src/lib/index.ts';
import { Ward } from '../../test/ward.ts';
import { cached, projectRoot } from './cache.ts';
import { accountId } from './system.ts';

const images = ['nodejs:24', 'python:3.13'];
const parts = ['bin', 'src', 'test', 'runners', 'policies', 'examples', 'package.json', 'vitest.config.ts'];
const scripts = ['scripts/test.ts', 'scripts/test-report.ts', 'scripts/lsm'];
/** Names of the caches of compiled code: for Ward, and for its reading processes, which run as another user. */
const caches = ['ward', 'ward-scan'];
/** The server's own. It starts with other flags of V8, with which code is compiled anew. */
const serverCache = '/run/ward/compile-cache';
const timeoutMs = 600_000;
/** Manifests and configurations are smaller, layers are larger. */
const documentBytes = 256 * 1024;

/** The disk with Ward's dependencies: `node_modules` and `images`. */
export async function openPackagesDisk(imagesDir: string, tell: (step: string) => void): Promise<string> {
  const lock = join(projectRoot, 'package-lock.json');
  const dir = await cached({
    name: 'packages',
    files: [lock, join(imagesDir, 'index.json'), import.meta.filename],
    words: [...images, String(accountId)],
    make: async (folder) => {
      tell('copying npm packages and runtime images to a disk');
      const root = join(folder, 'root');
      await copy(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
      await rm(join(root, 'node_modules/.cache'), { recursive: true, force: true });
      for (const cache of caches) await mkdir(join(root, 'node_modules/.cache', cache), { recursive: true });
      await copyImages(imagesDir, join(root, 'images'), folder);
      await makeDisk(root, join(folder, 'disk.img'));
    },
  });
  return join(dir, 'disk.img');
}

/** Makes `<folder>/project.img`. */
export async function makeProjectDisk(folder: string): Promise<string> {
  const root = join(folder, 'project');
  for (const part of [...parts, ...scripts]) await copy(join(projectRoot, part), join(root, part));
  await mkdir(join(root, 'node_modules'));
  await copyCompiled(join(root, 'compiled'));
  const disk = join(folder, 'project.img');
  await makeDisk(root, disk);
  return disk;
}

async function makeDisk(root: string, disk: string): Promise<void> {
  await mustRun(['truncate', '-s', '3G', disk]);
  await mustRun(['mke2fs', '-q', '-t', 'ext4', '-d', root, disk], { timeoutMs });
  await rm(root, { recursive: true });
}

/** Copies Node's compiled code of Ward and of the test: an emulated machine takes minutes to compile it. */
async function copyCompiled(to: string): Promise<void> {
  const from = join(projectRoot, 'node_modules/.cache');
  const env = { ...process.env, NODE_COMPILE_CACHE: join(from, 'ward') };
  const checks = ['operations', 'platform', 'suites'].map((name) => `scripts/lsm/guest/${name}`);
  const loaded = [...checks, 'src/scanner/index'];
  const fill = `import { filledCompileCache } from './src/scanner/processes/compile-cache.ts';
    await filledCompileCache({ uid: ${scanId}, gid: ${accountId} });`;
  const programs = [
    ['--input-type=module', '--eval', loaded.map((path) => `import './${path}.ts';`).join('')],
    ['--input-type=module', '--eval', fill],
    ['bin/ward.mjs', 'doctor'],
    ['bin/ward.mjs', 'prove', '--only', 'mount-tmpfs'],
    ['bin/ward.mjs', 'sandbox', 'run', 'python:3.13', '--', 'true'],
    ['node_modules/vitest/vitest.mjs', 'list', '--filesOnly'],
  ];
  for (const args of programs)
    await runCommand([process.execPath, ...args], { cwd: projectRoot, env, timeoutMs });
  // Other checkouts have left theirs in it: with many of them, the disk took minutes.
  await rm(serverCache, { recursive: true, force: true });
  await serveOnce();
  for (const cache of caches) await copy(join(from, cache), join(to, cache));
  // Node ends the names of its folders with the user's id.
  for (const name of await readdir(serverCache))
    await copy(join(serverCache, name), join(to, 'ward', name.replace(/-\d+$/, '-0')));
  // Makes it readable for the server's user.
  await mustRun(['chmod', '--recursive', 'a+rX', to]);
}

/** Runs a whole Ward and a function. Its keeper and its server keep what they have compiled when they end. */
async function serveOnce(): Promise<void> {
  await using ward = await Ward.start();
  await ward.deploy('once', 'def main(args): return {}', { kind: 'python:3.13' });
  const { status, body } = await ward.invoke('once');
  if (status !== 200) throw new Error(`a function on this machine: ${status} ${JSON.stringify(body)}`);
}

/** The index and all its documents, but only the layers of the images in use. */
async function copyImages(from: string, to: string, folder: string): Promise<void> {
  for (const name of ['index.json', 'oci-layout']) await copy(join(from, name), join(to, name));
  const blobs = join(from, 'blobs/sha256');
  for (const name of await readdir(blobs)) {
    if ((await stat(join(blobs, name))).size > documentBytes) continue;
    await copy(join(blobs, name), join(to, 'blobs/sha256', name));
  }
  await using store = await openImageStore({ dir: from, mountsDir: join(folder, 'mounts') });
  for (const image of images) {
    for (const layer of (await store.resolve(image)).layerDirs) {
      await copy(layer, join(to, 'layers/unpacked', layer.slice(layer.lastIndexOf('/') + 1)));
    }
  }
  await writeFile(join(to, 'index.lock'), '');
  // They belong to the server, as after its first start.
  await mustRun(['chown', '--recursive', '--no-dereference', `${accountId}:${accountId}`, to], { timeoutMs });
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  // Node's own copy follows links that point outside of the source. Images can share a layer.
  await mustRun(['cp', '--archive', '--no-target-directory', from, to], { timeoutMs });
}
