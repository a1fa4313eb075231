/**
 * Builds an image from a folder with a Dockerfile. buildah executes it and has only images of the store. Ward
 * assembles the image itself: the base's layers as they are in the store, the changes of the Dockerfile as one layer,
 * and Ward's server if the Dockerfile names no program. The same folder on the same base gives the same digest, if
 * its RUN lines are deterministic.
 */
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestHex } from '../../blobs/index.ts';
import { imagesWithShell } from '../base-images/recipe.ts';
import { imageFault } from '../faults.ts';
import { ociArchitecture, tagManifest } from '../oci/layout.ts';
import { type BaseImage, findBase } from './base-image.ts';
import { type Buildah, onlyTag, openBuildah } from './buildah.ts';
import { readDockerfile, withImages } from './dockerfile.ts';
import { assembleBuilt } from './dockerfile-result.ts';
import { type FolderContent, readFolder } from './folder-content.ts';
import { openSourceFile } from './folder-file.ts';
import type { FunctionImage, FunctionImageOptions } from './function-image.ts';
import { openWorkFolder } from './work-folder.ts';

export interface DockerfileImageOptions
  extends Omit<FunctionImageOptions, 'base' | 'kind' | 'entrypoint' | 'architecture'> {
  /** `NAME=VALUE` */
  readonly buildArgs?: readonly string[] | undefined;
  /** Whether RUN and ADD lines can use the machine's network. */
  readonly hasNetwork?: boolean | undefined;
}

export const dockerfileName = 'Dockerfile';
const builtName = 'localhost/ward-built:latest';
const maxDockerfileBytes = 1024 * 1024;
/** 1980-01-01, as in the other layers. */
const epoch = 315_532_800;

/** Whether the folder has a Dockerfile. */
export async function hasDockerfile(folder: string): Promise<boolean> {
  return (await stat(join(folder, dockerfileName)).catch(() => undefined))?.isFile() ?? false;
}

/**
 * @throws Fault BUILDAH_MISSING, DOCKERFILE_INVALID, DOCKERFILE_FAILED, BASE_NOT_TRUSTED, BUILD_FOLDER_INVALID,
 * BUILD_FOLDER_TOO_LARGE, IMAGE_INVALID, IMAGE_BUILD_FAILED
 */
export async function buildDockerfileImage(options: DockerfileImageOptions): Promise<FunctionImage> {
  const { progress = () => {}, signal, storeDir } = options;
  progress('reading the folder');
  const content = await readFolder(options.folder, { without: options.without ?? [] });
  const dockerfile = readDockerfile(await readText(content.root));
  const bases = new Map<string, BaseImage>();
  for (const { name } of dockerfile.images)
    if (!bases.has(name)) bases.set(name, await findBase(storeDir, name, ociArchitecture()));
  const base = bases.get(dockerfile.finalBase);
  if (base === undefined) throw new TypeError('the base image of the last stage was not found');
  await using work = await openWorkFolder(dirname(options.layoutDir));
  const dir = work.path;
  const buildah = await openBuildah(dir, signal);
  for (const each of new Set(bases.values())) await load(buildah, each, storeDir, dir);
  const text = withImages(dockerfile, (name) => localName(bases.get(name) ?? base));
  await writeFile(join(dir, dockerfileName), text);
  await writeFile(join(dir, 'ignore'), ignoredBy(content));
  const plainNames = new Map([...bases].map(([name, each]) => [localName(each), name]));
  await buildah.build({
    name: builtName,
    dockerfile: join(dir, dockerfileName),
    context: content.root,
    ignoreFile: join(dir, 'ignore'),
    buildArgs: options.buildArgs ?? [],
    hasNetwork: options.hasNetwork ?? false,
    epoch,
    rename: (line) => line.replaceAll(localNames, (name) => plainNames.get(name) ?? name),
    progress,
    shellImages: imagesWithShell(),
  });
  progress('packing the result');
  await buildah.save(builtName, join(dir, 'built'));
  return await assembleBuilt(options, base, content, join(dir, 'built'));
}

/** Reads the Dockerfile even if the ignore file lists it, as most do. */
async function readText(root: string): Promise<string> {
  const { size: sizeBytes } = await stat(join(root, dockerfileName));
  if (sizeBytes > maxDockerfileBytes) throw imageFault('DOCKERFILE_INVALID', 'the Dockerfile is too long');
  const file = await openSourceFile(root, { path: dockerfileName, sizeBytes });
  try {
    return (await file.readFile()).toString('utf8');
  } finally {
    await file.close();
  }
}

const localNames = /localhost\/ward-base:[0-9a-f]{64}/g;

/** A name from the digest, which identifies the image. */
function localName({ digest }: BaseImage): string {
  return `localhost/ward-base:${digestHex(digest)}`;
}

/** Creates a layout with only this image, from the store's own blobs. */
async function load(buildah: Buildah, base: BaseImage, storeDir: string, dir: string): Promise<void> {
  const layout = join(dir, `base-${digestHex(base.digest)}`);
  await mkdir(layout);
  await symlink(join(storeDir, 'blobs'), join(layout, 'blobs'));
  await tagManifest(layout, base.descriptor, [onlyTag]);
  await buildah.load(layout, localName(base));
}

/** The build must not see files that stay out of the image. */
function ignoredBy({ leftOut, ignoreText }: FolderContent): string {
  const others = leftOut.filter(({ reason }) => reason !== 'ignored').map(({ path }) => literal(path));
  return [ignoreText, ...others, ''].join('\n');
}

/** Writes a pattern that matches only this path. A wildcard replaces each space, which would be trimmed. */
function literal(path: string): string {
  return path.replaceAll(/[\\*?[\]#!]/g, '\\$&').replaceAll(/\s/g, '?');
}
