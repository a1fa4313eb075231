/**
 * Deletions in a layer. OCI writes them as files named `.wh.<name>`, and "nothing of the layers below" as
 * `.wh..wh..opq`; overlayfs wants a 0:0 character device and the attribute `trusted.overlay.opaque`. Node can
 * make neither, GNU tar makes both: it gets a tiny archive of Ward's own, after the layer is laid.
 * Sources: OCI image-spec v1.1, layer.md; Linux Documentation/filesystems/overlayfs.rst.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { mustRun } from '../../lib/index.ts';
import { showName, unsafe } from './entry-name.ts';
import type { Folders } from './folders.ts';

const opaqueName = '.wh..wh..opq';
const timeoutMs = 60_000;

export interface Whiteouts {
  readonly opaque: Set<string>;
  readonly deleted: Map<string, readonly string[]>;
  /** Takes an entry whose last part starts with `.wh.`. @throws Fault ARCHIVE_UNSAFE */
  add(parts: readonly string[]): void;
}

export function newWhiteouts(): Whiteouts {
  const opaque = new Set<string>();
  const deleted = new Map<string, readonly string[]>();
  const add = (parts: readonly string[]): void => {
    const folder = parts.slice(0, -1);
    const base = parts.at(-1) ?? '';
    if (base === opaqueName) {
      opaque.add(folder.join('/'));
      return;
    }
    // `.wh..wh.` was the prefix of aufs' own books; it names no file.
    if (base.startsWith('.wh..wh.')) return;
    const name = base.slice('.wh.'.length);
    if (['', '.', '..'].includes(name))
      throw unsafe(`${showName(parts.join('/'))} deletes nothing that has a name`);
    deleted.set([...folder, name].join('/'), [...folder, name]);
  };
  return { opaque, deleted, add };
}

/** Lays what `whiteouts` holds below `root`. A name that the layer itself has again is no deletion. */
export async function layWhiteouts(whiteouts: Whiteouts, root: string, folders: Folders): Promise<void> {
  const archive = pack();
  let entries = 0;
  for (const folder of whiteouts.opaque) {
    archive.entry({
      name: `./${folder}/`,
      type: 'directory',
      mode: 0o755,
      pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y' },
    });
    entries++;
  }
  for (const [name, parts] of whiteouts.deleted) {
    const folder = await folders.ensure(parts.slice(0, -1));
    if ((await lstat(join(folder, parts.at(-1) ?? '')).catch(() => undefined)) !== undefined) continue;
    archive.entry({ name: `./${name}`, type: 'character-device', mode: 0o644, devmajor: 0, devminor: 0 });
    entries++;
  }
  archive.finalize();
  const input = await buffer(archive);
  if (entries === 0) return;
  const flags = [
    '--extract',
    '--file=-',
    '--xattrs',
    '--xattrs-include=trusted.overlay.opaque',
    '--no-same-owner',
  ];
  await mustRun(['tar', ...flags, `--directory=${root}`], { input, timeoutMs });
}
