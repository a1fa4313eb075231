/**
 * The second disk: Ward as it is in this checkout, with the packages that it runs on, and the runtime images that the
 * test uses. Made anew for every run, which takes seconds.
 */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { openImageStore } from '../../src/images/index.ts';
import { mustRun } from '../../src/lib/index.ts';
import { projectRoot } from './paths.ts';

const images = ['nodejs:24', 'python:3.13'];
const parts = ['bin', 'src', 'runners', 'policies', 'examples', 'package.json', 'scripts/lsm/guest'];
const timeoutMs = 300_000;
/** Manifests and configurations are smaller, layers are larger. */
const documentBytes = 256 * 1024;

/** Makes `<folder>/project.img`. */
export async function makeProjectDisk(folder: string, imagesDir: string): Promise<string> {
  const root = join(folder, 'project');
  for (const part of parts) await copy(join(projectRoot, part), join(root, 'ward', part));
  for (const path of await runtimePackages()) await copy(join(projectRoot, path), join(root, 'ward', path));
  await copyImages(imagesDir, join(root, 'images'), folder);
  await copy(join(import.meta.dirname, 'guest/run.sh'), join(root, 'run.sh'));
  const disk = join(folder, 'project.img');
  await mustRun(['truncate', '-s', '2G', disk]);
  await mustRun(['mke2fs', '-q', '-t', 'ext4', '-d', root, disk], { timeoutMs });
  await rm(root, { recursive: true });
  return disk;
}

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ dev: z.boolean().optional(), devOptional: z.boolean().optional(), cpu: z.union([z.string(), z.array(z.string())]).optional(),
    }),
  ),
});

/** What is installed here of what isn't for development only, as paths below the checkout. */
async function runtimePackages(): Promise<string[]> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(projectRoot, 'package-lock.json'), 'utf8')));
  const wanted = Object.entries(lock.packages).flatMap(([path, { dev, devOptional, cpu }]) =>
    path === '' || dev || devOptional || cpu?.includes('x64') === false ? [] : [path],
  );
  const found = await Promise.all(wanted.map(async (path) => ((await isThere(join(projectRoot, path))) ? [path] : [])));
  return found.flat();
}

/** The index and all its documents, but only the layers of the images in use. */
async function copyImages(from: string, to: string, folder: string): Promise<void> {
  for (const name of ['index.json', 'oci-layout']) await copy(join(from, name), join(to, name));
  const blobs = join(from, 'blobs/sha256');
  for (const name of await readdir(blobs)) {
    if ((await stat(join(blobs, name))).size > documentBytes) continue;
    await copy(join(blobs, name), join(to, 'blobs/sha256', name));
  }
  await using store = await openImageStore({ dir: from, mountsDir: join(folder, 'roots') });
  for (const image of images) {
    for (const layer of (await store.resolve(image)).layerDirs) {
      await copy(layer, join(to, 'layers/sha256', layer.slice(layer.lastIndexOf('/') + 1)));
    }
  }
  await writeFile(join(to, 'index.lock'), '');
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  // Node's own copy follows links that lead out of what is copied.
  await mustRun(['cp', '--archive', '--no-target-directory', from, to], { timeoutMs });
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
