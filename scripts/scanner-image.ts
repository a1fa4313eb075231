/**
 * Builds the container image of the scanner for CI systems: Ward's sources, its packages and its Node.js, on Ward's
 * own base with a shell. It needs no Dockerfile and no daemon: `ward image build` builds it, without running any of
 * its content.
 *
 *     node scripts/scanner-image.ts FILE.tar [ADVISORIES.db]
 */
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { runCommand } from '../src/lib/index.ts';

const root = join(import.meta.dirname, '..');
const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), optional: z.boolean().optional() })),
});
interface Package {
  /** Its folder: `node_modules/zod`. */
  readonly name: string;
  readonly isOptional: boolean;
}

/** Files of the package with Node.js that it needs to run; the rest is for compiling. */
const nodePackage = /^node_modules\/node-linux-[a-z0-9]+$/;

/** @returns the exit code of `ward image build` */
async function makeScannerImage(file: string, advisories: string | undefined): Promise<number> {
  const staged = await mkdtemp(join(tmpdir(), 'ward-scanner-image-'));
  try {
    // Another user than the builder may run it.
    await chmod(staged, 0o755);
    await stage(staged, advisories);
    return await build(staged, file);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function stage(staged: string, advisories: string | undefined): Promise<void> {
  for (const name of ['bin', 'policies', 'package.json', 'scripts/scan-ci.sh'])
    await cp(join(root, name), join(staged, name), { recursive: true });
  await cp(join(root, 'src'), join(staged, 'src'), { recursive: true, filter: (path) => !isTest(path) });
  for (const each of await runtimePackages()) await stagePackage(staged, each);
  if (advisories !== undefined) await cp(advisories, join(staged, 'advisories.db'));
}

function isTest(path: string): boolean {
  return /\.(?:test|fixture)\.ts$/.test(path);
}

/** Folders of the packages that Ward runs with, from the lock file, as they are installed here. */
async function runtimePackages(): Promise<readonly Package[]> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  return Object.entries(lock.packages).flatMap(([name, { dev, optional }]) =>
    name === '' || dev === true ? [] : [{ name, isOptional: optional === true }],
  );
}

/** Leaves out packages for other machines, which are not installed here. */
async function stagePackage(staged: string, { name, isOptional }: Package): Promise<void> {
  const from = join(root, name);
  if (isOptional && !existsSync(from)) return;
  if (!nodePackage.test(name)) return await cp(from, join(staged, name), { recursive: true });
  for (const part of ['package.json', 'LICENSE', 'bin/node'])
    await cp(join(from, part), join(staged, name, part), { recursive: true });
  await mkdir(join(staged, 'node_modules/.bin'), { recursive: true });
  await symlink(`../${basename(name)}/bin/node`, join(staged, 'node_modules/.bin/node'));
}

async function build(staged: string, file: string): Promise<number> {
  const { code, stdout, stderr } = await runCommand(
    [
      ...[process.execPath, join(root, 'bin/ward.mjs'), 'image', 'build', staged],
      ...['--base', 'native:13', '--entrypoint', JSON.stringify(['/usr/bin/sh', '/fn/scripts/scan-ci.sh'])],
      // No scan: the build needs no advisories, and users with advisories can scan the image.
      ...[
        '--label',
        'org.opencontainers.image.title',
        'ward-scanner',
        '--no-scan',
        '--tag',
        'ward-scanner',
        '--output',
        file,
      ],
    ],
    { timeoutMs: 600_000 },
  );
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return code ?? 1;
}

if (import.meta.main) {
  const [file, advisories] = process.argv.slice(2);
  if (file?.endsWith('.tar') !== true) {
    process.stderr.write('usage: node scripts/scanner-image.ts FILE.tar [ADVISORIES.db]\n');
    process.exitCode = 2;
  } else process.exitCode = await makeScannerImage(resolve(file), advisories);
}
