/** Owners and modes of real files, changed as root. */
import { linkSync, lstatSync, readdirSync } from 'node:fs';
import { chmod, chown, lchown, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mustRun, runCommand, silentLog } from '../../lib/index.ts';
import { handOver, handOverAll } from './hand-over.ts';

const account = { name: 'ward', uid: 4_000_001, gid: 4_000_002 };
const other = 4_000_009;
const log = silentLog;
const isRoot = process.geteuid?.() === 0;

/** A data folder of root with every kind of file, beside a folder `outside`. */
async function start() {
  const place = await mkdtemp(join(tmpdir(), 'ward-hand-over-'));
  const [folder, outside] = [join(place, 'data'), join(place, 'outside')];
  for (const path of ['state', 'code/blobs/sha256', 'registry/blobs/sha256', 'roots'])
    await mkdir(join(folder, path), { recursive: true, mode: 0o700 });
  await mkdir(outside);
  await chmod(folder, 0o711);
  const file = (path: string, mode = 0o600) => writeFile(join(folder, path), path, { mode });
  await file('state/ward.db');
  await file('parameters.keys');
  await file('code/blobs/sha256/a');
  await file('registry/registry.db');
  await file('registry/blobs/sha256/b');
  await writeFile(join(outside, 'shadow'), 'secret', { mode: 0o600 });
  return {
    folder,
    outside,
    file,
    owner: (path: string) => lstatSync(join(folder, path)).uid,
    mode: (path: string) => lstatSync(join(folder, path)).mode & 0o7777,
    [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
  };
}

function owners(folder: string): ReadonlySet<string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const ids = ['', ...names].map((name) => {
    const { uid, gid } = lstatSync(join(folder, name));
    return `${uid}:${gid}`;
  });
  return new Set(ids);
}

const ids = `${account.uid}:${account.gid}`;

describe.skipIf(!isRoot)('a folder of root', () => {
  test('becomes the account’s, with its content, and stays so', async () => {
    await using at = await start();
    await symlink(join(at.outside, 'shadow'), join(at.folder, 'state/link'));
    await mustRun(['mkfifo', join(at.folder, 'state/pipe')]);
    expect(handOver(at.folder, account, { log })).toEqual({ changed: 16, left: [] });
    expect(owners(at.folder)).toEqual(new Set([ids]));
    expect(lstatSync(join(at.outside, 'shadow')).uid).toBe(0);
    expect(handOver(at.folder, account, { log })).toEqual({ changed: 0, left: [] });
  });

  test('keeps its modes, except blobs that scans read through the group', async () => {
    await using at = await start();
    const imagesDir = join(at.folder, 'images');
    await mkdir(join(imagesDir, 'layers'), { recursive: true, mode: 0o700 });
    handOverAll({ dataDir: at.folder, imagesDir }, account, log);
    const paths = ['', 'state', 'state/ward.db', 'code', 'code/blobs/sha256/a', 'parameters.keys'];
    expect(paths.map(at.mode)).toEqual([0o711, 0o700, 0o600, 0o700, 0o600, 0o600]);
    expect(['registry', 'registry/registry.db', 'registry/blobs/sha256/b'].map(at.mode)).toEqual([
      0o750, 0o600, 0o640,
    ]);
    expect(['images', 'images/layers'].map(at.mode)).toEqual([0o750, 0o700]);
  });

  test('that does not exist is ignored', () => {
    expect(handOver('/nonexistent/ward', account, { log })).toEqual({ changed: 0, left: [] });
  });

  test('leaves files of the file system and of the set-up to root', async () => {
    await using at = await start();
    await at.file('set-up.json');
    await mkdir(join(at.folder, 'lost+found'));
    handOver(at.folder, account, { log });
    expect(['', 'set-up.json', 'lost+found'].map(at.owner)).toEqual([account.uid, 0, 0]);
  });

  test('changes after its content, so that a killed run can continue', async () => {
    await using at = await start();
    // The state after a run that was killed after the first folder.
    for (const path of ['code/blobs/sha256/a', 'code/blobs/sha256', 'code/blobs', 'code'])
      await lchown(join(at.folder, path), account.uid, account.gid);
    await link(join(at.folder, 'state/ward.db'), join(at.folder, 'ward.db'));
    handOver(at.folder, account, { log });
    expect(owners(at.folder)).toEqual(new Set([ids]));
  });

  test('is not changed before its content', async () => {
    await using at = await start();
    await mkdir(join(at.folder, 'z'), { mode: 0o777 });
    await chmod(join(at.folder, 'z'), 0o777);
    expect(() => handOver(at.folder, account, { log })).toThrow(
      expect.objectContaining({ code: 'HAND_OVER_FAILED' }),
    );
    expect(['', 'z'].map(at.owner)).toEqual([0, 0]);
    await chmod(join(at.folder, 'z'), 0o700);
    handOver(at.folder, account, { log });
    expect(owners(at.folder)).toEqual(new Set([ids]));
  });
});

describe.skipIf(!isRoot)('no file of root is given away', () => {
  test('when the account has planted links in its folders', async () => {
    await using at = await start();
    await chown(join(at.folder, 'state'), account.uid, account.gid);
    linkSync(join(at.outside, 'shadow'), join(at.folder, 'state/planted'));
    // The link becomes the only name, as if root had replaced the file.
    await rm(join(at.outside, 'shadow'));
    await symlink(at.outside, join(at.folder, 'state/there'));
    handOver(at.folder, account, { log });
    expect([at.owner('state/planted'), lstatSync(at.outside).uid]).toEqual([0, 0]);
    expect(at.owner('')).toBe(account.uid);
  });

  test('when it has a name outside the folder', async () => {
    await using at = await start();
    for (const name of ['one', 'state/two']) await link(join(at.outside, 'shadow'), join(at.folder, name));
    const { left } = handOver(at.folder, account, { log });
    expect(left).toEqual([expect.stringMatching(/\/data\/(one|state\/two)$/)]);
    expect(lstatSync(join(at.outside, 'shadow')).uid).toBe(0);
  });

  test('when it is a mount, or a device', async () => {
    await using at = await start();
    await mkdir(join(at.folder, 'roots/bound'));
    await mustRun(['mknod', join(at.folder, 'state/memory'), 'c', '1', '1']);
    await mustRun(['mknod', join(at.folder, 'state/whiteout'), 'c', '0', '0']);
    const program = `
      const { handOver } = await import(process.argv[1]);
      const log = { info() {}, warn() {} };
      console.log(JSON.stringify(handOver(process.argv[2], ${JSON.stringify(account)}, { log }).left));`;
    const bind = 'mount --bind "$1" "$2/roots/bound" && exec "$3" --input-type=module -e "$4" "$5" "$2"';
    const module = join(import.meta.dirname, 'hand-over.ts');
    const words = ['sh', at.outside, at.folder, process.execPath, program, module];
    const unshare = ['unshare', '--mount', '--propagation', 'private', '--'];
    const outcome = await runCommand([...unshare, 'sh', '-c', bind, ...words], { timeoutMs: 60_000 });
    expect(outcome.stderr).toBe('');
    expect(JSON.parse(outcome.stdout)).toEqual(
      expect.arrayContaining(['roots/bound', 'state/memory'].map((path) => join(at.folder, path))),
    );
    expect([lstatSync(at.outside).uid, at.owner('state/memory'), at.owner('roots/bound')]).toEqual([0, 0, 0]);
    expect([at.owner('state/whiteout'), at.owner('roots'), at.owner('')]).toEqual(Array(3).fill(account.uid));
  });

  test('when it belongs to another user', async () => {
    await using at = await start();
    await chown(join(at.folder, 'parameters.keys'), other, other);
    await mkdir(join(at.folder, 'notes'));
    await at.file('notes/mine');
    await chown(join(at.folder, 'notes'), other, other);
    const { left } = handOver(at.folder, account, { log });
    expect(left).toEqual(['notes', 'parameters.keys'].map((path) => join(at.folder, path)));
    expect(['notes', 'notes/mine', 'parameters.keys'].map(at.owner)).toEqual([other, 0, other]);
  });

  test.each<[string, (folder: string) => Promise<void>]>([
    ['owned by another user', (folder) => chown(folder, other, other)],
    ['writable by all', (folder) => chmod(folder, 0o777)],
    [
      'writable by a group',
      async (folder) => {
        await chown(folder, 0, other);
        await chmod(folder, 0o770);
      },
    ],
  ])('when the folder is %s', async (_what, spoil) => {
    await using at = await start();
    await spoil(at.folder);
    expect(() => handOver(at.folder, account, { log })).toThrow(
      expect.objectContaining({ code: 'HAND_OVER_FAILED', hint: expect.stringContaining(at.folder) }),
    );
    expect(at.owner('state')).toBe(0);
  });

  test('when the folder is a link', async () => {
    await using at = await start();
    const path = join(at.outside, 'link');
    await symlink(at.folder, path);
    expect(() => handOver(path, account, { log })).toThrow(
      expect.objectContaining({ code: 'HAND_OVER_FAILED' }),
    );
    expect(at.owner('state')).toBe(0);
  });
});
