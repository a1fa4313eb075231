/** Mounts the suite's image with a layer of things that no image should contain. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image, ImageStore, RootFilesystem } from '../images/index.ts';

type Change = (layerDir: string) => Promise<void>;
export type MountWith = (change: Change) => Promise<Pick<RootFilesystem, 'path'> & AsyncDisposable>;

/** The layer is removed with the root. @throws Fault IMAGE_UNSAFE */
export async function rootWith(images: ImageStore, image: Image, change: Change): ReturnType<MountWith> {
  await using stack = new AsyncDisposableStack();
  const layerDir = await mkdtemp(join(tmpdir(), 'ward-prove-layer-'));
  stack.defer(() => rm(layerDir, { recursive: true, force: true }));
  await chmod(layerDir, 0o755);
  await change(layerDir);
  const changed: Image = {
    ...image,
    reference: 'of the suite',
    digest: undefined,
    layerDirs: [...image.layerDirs, layerDir],
  };
  const { path } = stack.use(await images.mountRoot(changed));
  const opened = stack.move();
  return { path, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
