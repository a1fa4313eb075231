/**
 * Deletions in a layer. OCI writes them as files named `.wh.<name>`, and "nothing of the layers below" as
 * `.wh..wh..opq`; overlayfs needs a 0:0 character device and, with the mount option `userxattr`, the attribute
 * `user.overlay.opaque`. Neither needs a privilege (mknod of a whiteout: Linux 5.8). Node can create neither, GNU tar
 * both: it gets a tiny archive of Ward's own, after the layer is unpacked. Sources: OCI image-spec v1.1, layer.md;
 * Linux Documentation/filesystems/overlayfs.rst (userxattr: Linux 5.11).
 */
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { mustRun } from '../../lib/index.ts';
import type { LayerPaths } from '../layer/layer-paths.ts';
import type { Folders } from './folders.ts';

const timeoutMs = 60_000;

/**
 * Writes the layer's deletions below `root`. A file of the layer with a deleted name hides the layers below anyway; a
 * folder must be made opaque.
 */
export async function layWhiteouts(paths: LayerPaths, root: string, folders: Folders): Promise<void> {
  const opaque = new Set(paths.opaque());
  const deleted: string[] = [];
  for (const name of paths.removed()) {
    if (paths.hasFolder(name)) opaque.add(name);
    else if (!paths.hasFile(name)) deleted.push(name);
  }
  if (opaque.size + deleted.length === 0) return;
  const archive = pack();
  for (const folder of opaque) {
    await folders.ensure(folder.split('/'));
    const pax = { 'SCHILY.xattr.user.overlay.opaque': 'y' };
    archive.entry({ name: `./${folder}/`, type: 'directory', mode: 0o755, pax });
  }
  for (const name of deleted) {
    await folders.ensure(name.split('/').slice(0, -1));
    archive.entry({ name: `./${name}`, type: 'character-device', mode: 0o644, devmajor: 0, devminor: 0 });
  }
  archive.finalize();
  const flags = [
    '--extract',
    '--file=-',
    '--xattrs',
    '--xattrs-include=user.overlay.opaque',
    '--no-same-owner',
  ];
  await mustRun(['tar', ...flags, `--directory=${root}`], { input: await buffer(archive), timeoutMs });
}
