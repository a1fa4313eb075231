/**
 * How an image answers OpenWhisk's HTTP contract. Folders of Node.js and Python get Ward's server as a layer of its
 * own, the same for all images of that language; others bring their own program that listens on port 8080.
 */
import { packLayer } from '../base-images/layer-blob.ts';
import { installedRunnersDir, type RunnerFiles, readRunner } from '../base-images/runner.ts';
import { newTree } from '../base-images/tree.ts';
import { imageFault } from '../faults.ts';
import type { BaseImage } from './base-image.ts';
import type { AddedLayer } from './image-documents.ts';

/** Languages with a server of Ward's, by the family of their kinds. */
export const servedFamilies = ['nodejs', 'python'] as const;
export type ServedFamily = (typeof servedFamilies)[number];

export interface ServerProgram {
  readonly layer: AddedLayer;
  readonly entrypoint: readonly string[];
}

/** 1980-01-01, for files without a date, as in the runtime images. */
const epoch = 315_532_800;

/** A folder must have one of these files, so that the server finds the function. */
const entryFiles: Readonly<Record<ServedFamily, readonly string[]>> = {
  nodejs: ['package.json', 'index.js', 'index.mjs', 'index.ts', 'index.mts'],
  python: ['__main__.py'],
};

/** The family by the kind of the base. @throws Fault BUILD_FOLDER_INVALID when Ward has no server for it */
export function servedFamilyOf({ kind, name }: Pick<BaseImage, 'kind' | 'name'>): ServedFamily {
  const family = kind?.split(':')[0];
  const found = servedFamilies.find((each) => each === family);
  if (found !== undefined) return found;
  throw imageFault('BUILD_FOLDER_INVALID', `Ward has no server for functions on ${name}`, {
    hint: 'Name a program that listens on port 8080 as the entry point.',
  });
}

/** The language of the folder, by its files; undefined when they do not tell. */
export function guessFamily(paths: ReadonlySet<string>): ServedFamily | undefined {
  const fits = servedFamilies.filter((family) => entryFiles[family].some((file) => paths.has(file)));
  return fits.length === 1 ? fits[0] : undefined;
}

/** @throws Fault BUILD_FOLDER_INVALID */
export function checkEntryFile(family: ServedFamily, paths: ReadonlySet<string>): void {
  const files = entryFiles[family];
  if (files.some((file) => paths.has(file))) return;
  throw imageFault('BUILD_FOLDER_INVALID', `the folder has no ${files.join(' and no ')}`, {
    hint: `A ${family} function starts from one of these files. Name any other program with --entrypoint.`,
  });
}

/** Packs the server into the blobs of `dir`. */
export async function packServer(
  dir: string,
  family: ServedFamily,
  runnersDir: string = installedRunnersDir,
): Promise<ServerProgram> {
  const server = await readRunner(runnersDir, `http/${family}`);
  const runner = await readRunner(runnersDir, family);
  const tree = newTree();
  // The server finds the runner's files on the same relative path as in `runners`.
  for (const [folder, { files }] of [
    [`ward/http/${family}`, server],
    [`ward/${family}`, runner],
  ] satisfies [string, RunnerFiles][]) {
    for (const [path, bytes] of files) {
      if (path !== 'entrypoint.json') tree.add(`${folder}/${path}`, { type: 'file', mode: 0o644, bytes });
    }
  }
  const packed = await packLayer(dir, tree, epoch);
  const layer: AddedLayer = { ...packed, role: 'server', createdBy: `ward: HTTP server for ${family}` };
  return { layer, entrypoint: server.entrypoint };
}
