/** The process that unpacks for root, watched while it waits for the rest of its layer. */
import { chown, lstat, mkdir, open, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { findAbilities, mustRun, runCommand } from '../../lib/index.ts';
import { listTree, tarOf, temporaryFolder } from '../images.fixture.ts';
import { unpackApart } from './apart.ts';

const abilities = await findAbilities();
const ordinaryId = 12_345;

/** A path like a layer's, in a store that belongs to an ordinary user. */
async function place() {
  const folder = await temporaryFolder();
  const layers = join(folder.path, 'layers');
  const root = join(layers, '.tmp-x', 'root');
  await mkdir(root, { recursive: true, mode: 0o755 });
  if (abilities.canBecome) await chown(layers, ordinaryId, ordinaryId);
  return { folder: folder.path, root, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

describe('a layer that root unpacks', () => {
  const layer = tarOf([
    { name: 'bin/run', mode: 0o6755, uid: 0, content: '#!' },
    { name: 'bin/again', type: 'link', linkname: 'bin/run' },
    { name: 'etc/.wh.gone', content: '' },
    { name: 'fresh/.wh..wh..opq', content: '' },
    { name: 'link', type: 'symlink', linkname: '/etc/passwd' },
  ]);

  it.runIf(abilities.canBecome)(
    'belongs to the store’s owner, keeps its deletions, and has no set-id bits',
    async () => {
      await using at = await place();
      const bytes = await layer;
      await writeFile(join(at.folder, 'blob'), gzipSync(bytes));
      const blob = await open(join(at.folder, 'blob'));
      const digests = await unpackApart(blob, at.root).finally(() => blob.close());
      expect(digests).toEqual({ digest: digestOf(gzipSync(bytes)), diffId: digestOf(bytes) });
      expect(await listTree(at.root)).toMatchObject({ 'etc/gone': 'device 0', 'bin/again': '#!' });
      for (const name of ['.', ...(await readdir(at.root, { recursive: true }))]) {
        const { uid, gid, mode } = await lstat(join(at.root, name));
        expect({ name, uid, gid, bits: mode & 0o7000 }).toEqual({
          name,
          uid: ordinaryId,
          gid: ordinaryId,
          bits: 0,
        });
        if (name !== 'link') expect(mode & 0o004).toBe(0o004);
      }
      const shown = await runCommand(['tar', '-c', '--xattrs', '--xattrs-include=*', '-C', at.root, '.']);
      expect(shown.stdout).toContain('SCHILY.xattr.user.overlay.opaque=y');
    },
  );

  it.runIf(abilities.canBecome && abilities.canUnshare)(
    'is unpacked by a process that owns nothing, has no capability and no network',
    async () => {
      await using at = await place();
      const pipe = join(at.folder, 'pipe');
      await mustRun(['mkfifo', pipe]);
      const [blob, rest] = await Promise.all([open(pipe, 'r'), open(pipe, 'w')]);
      const unpacking = unpackApart(blob, at.root);
      const pid = await processIn(at.root);
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const owner = (await lstat(at.root)).uid;
      expect(owner).toBeGreaterThan(2 ** 31);
      expect(status).toMatch(new RegExp(`^Uid:(\\t${owner}){4}$`, 'm'));
      expect(status).toMatch(/^Groups:\s*$/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^CapBnd:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(abilities.hasFilter ? /^Seccomp:\t2$/m : /^Seccomp:\t0$/m);
      expect(await readlink(`/proc/${pid}/ns/net`)).not.toBe(await readlink('/proc/self/ns/net'));
      await rest.writeFile(await layer);
      await rest.close();
      await unpacking.finally(() => blob.close());
      expect(await readdir(at.root)).toContain('bin');
    },
  );

  it('is refused by another process in the same way as by this one', async () => {
    await using at = await place();
    await writeFile(join(at.folder, 'blob'), await tarOf([{ name: '../evil', content: 'x' }]));
    const blob = await open(join(at.folder, 'blob'));
    await expect(unpackApart(blob, at.root).finally(() => blob.close())).rejects.toMatchObject({
      code: 'ARCHIVE_UNSAFE',
      message: expect.stringContaining('../evil'),
      hint: expect.any(String),
    });
    expect(await readdir(at.folder)).toEqual(['blob', 'layers']);
  });
});

/** The Node process that works in `folder`, after it has dropped its privileges. */
async function processIn(folder: string): Promise<string> {
  for (;;) {
    for (const pid of await readdir('/proc')) {
      const there = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
      const program = await readlink(`/proc/${pid}/exe`).catch(() => undefined);
      if (there === folder && program?.endsWith('/node')) return pid;
    }
  }
}
