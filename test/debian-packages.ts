/** Debian's own packages as layers of images: fetched and checked by apt, unpacked by dpkg, with dpkg's database. */
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { mustRun, runCommand } from '../src/lib/index.ts';

export interface DebianPackages extends AsyncDisposable {
  /** Why apt can't fetch them, or undefined. */
  readonly missing?: string | undefined;
  /** A layer with some of them, and a dpkg database of only these. */
  layer(names: readonly string[]): Promise<Buffer>;
  /** The same files where upstream images put them (`from` → `to` below `/usr/local`), without a database. */
  moved(names: readonly string[], moves: readonly (readonly [from: string, to: string])[]): Promise<Buffer>;
}

/** @param names all packages that the test will use: apt fetches them at once */
export async function fetchDebianPackages(names: readonly string[]): Promise<DebianPackages> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-debian-'));
  const debs = join(folder, 'debs');
  await mkdir(debs);
  await chmod(folder, 0o755);
  const options = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3'];
  const argv = ['apt-get', ...options, 'download', ...new Set(names)];
  const fetched = await runCommand(argv, { cwd: debs, timeoutMs: 120_000 }).catch(() => undefined);
  const missing =
    fetched?.code === 0
      ? undefined
      : `apt can't fetch Debian's packages: ${fetched?.stderr.trim() ?? 'no apt'}`;
  const files = await readdir(debs);
  const fileOf = (name: string): string =>
    join(debs, files.find((file) => file.startsWith(`${name}_`)) ?? name);
  let trees = 0;
  const unpack = async (wanted: readonly string[]): Promise<string> => {
    const root = join(folder, `root-${trees++}`);
    await mkdir(root);
    for (const name of wanted) await mustRun(['dpkg-deb', '-x', fileOf(name), root]);
    return root;
  };
  return {
    missing,
    layer: async (wanted) => {
      const root = await unpack(wanted);
      await writeDatabase(root, wanted.map(fileOf));
      return tarOf(root);
    },
    moved: async (wanted, moves) => {
      const from = await unpack(wanted);
      const to = join(folder, `root-${trees++}`);
      for (const [source, target] of moves) {
        await mkdir(dirname(join(to, target)), { recursive: true });
        await rename(join(from, source), join(to, target));
      }
      return tarOf(to);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The database as dpkg has it after their installation. */
async function writeDatabase(root: string, files: readonly string[]): Promise<void> {
  const database = join(root, 'var/lib/dpkg');
  await mkdir(join(database, 'info'), { recursive: true });
  const stanzas: string[] = [];
  for (const file of files) {
    const control = await mustRun(['dpkg-deb', '-f', file]);
    const name = /^Package: (.+)$/m.exec(control)?.[1] ?? '';
    stanzas.push(control.replace(/^Package: .*$/m, (line) => `${line}\nStatus: install ok installed`));
    await mustRun(['dpkg-deb', '-e', file, join(root, 'control')]);
    await cp(join(root, 'control/md5sums'), join(database, `info/${name}.md5sums`));
    await rm(join(root, 'control'), { recursive: true });
    const listed = (await mustRun(['dpkg-deb', '-c', file])).matchAll(/ \.(\/\S*?)\/?(?: ->.*)?$/gm);
    await writeFile(join(database, `info/${name}.list`), [...listed].map(([, path]) => `${path}\n`).join(''));
  }
  await writeFile(join(database, 'status'), stanzas.map((stanza) => `${stanza.trim()}\n\n`).join(''));
}

async function tarOf(root: string): Promise<Buffer> {
  const file = `${root}.tar`;
  await mustRun(['tar', '--owner=0', '--group=0', '--sort=name', '-C', root, '-cf', file, '.']);
  const bytes = await readFile(file);
  await rm(file);
  await rm(root, { recursive: true });
  return bytes;
}
