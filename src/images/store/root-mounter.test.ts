import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRootMounter } from './root-mounter.ts';

const name = 'a'.repeat(64);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-mounter-'));
});
afterEach(() => rm(folder, { recursive: true }));

const mounter = () =>
  openRootMounter({
    layersDir: join(folder, 'layers'),
    mountsDir: join(folder, 'mounts'),
    folders: [],
  });
const mount = (layer: string) =>
  mounter().mount('root', { reference: 'test', layerDirs: [layer], folders: [] });

test('a layer that is a link is not mounted', async () => {
  await mkdir(join(folder, 'layers/unpacked'), { recursive: true });
  await symlink('/etc', join(folder, 'layers/unpacked', name));
  await expect(mount(join(folder, 'layers/unpacked', name))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('a layer whose path contains a link is not mounted', async () => {
  await mkdir(join(folder, 'layers'));
  await mkdir(join(folder, 'elsewhere', name), { recursive: true });
  await symlink(join(folder, 'elsewhere'), join(folder, 'layers/unpacked'));
  await expect(mount(join(folder, 'layers/unpacked', name))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.each(['/etc', '../../etc', 'unpacked/../../etc', `unpacked/${name}/..`, `sha256/${name}`])(
  '%s is not a layer',
  async (path) => {
    await expect(mount(join(folder, 'layers', path))).rejects.toMatchObject({ code: 'IMAGE_UNSAFE' });
  },
);
