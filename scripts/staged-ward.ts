/** Copies what Ward needs to run, without tests and tools, from a checkout that is set up. Images are made of it. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';

export const checkout = join(import.meta.dirname, '..');

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

/** Ward's sources, packages and Node.js. @param more further files and folders of the checkout */
export async function stageWard(folder: string, more: readonly string[] = []): Promise<void> {
  for (const name of ['bin', 'policies', 'package.json', ...more])
    await cp(join(checkout, name), join(folder, name), { recursive: true });
  await cp(join(checkout, 'src'), join(folder, 'src'), { recursive: true, filter: (path) => !isTest(path) });
  // What browsers get is built already.
  await rm(join(folder, 'src/dashboard/web'), { recursive: true });
  const built = join(checkout, '.cache/console');
  if (existsSync(built)) await cp(built, join(folder, '.cache/console'), { recursive: true });
  for (const each of await runtimePackages()) await stagePackage(folder, each);
}

function isTest(path: string): boolean {
  return /\.(?:test|fixture)\.ts$/.test(path);
}

/** Types and source maps: half of the files of all packages, which Node.js does not read. */
function isForCompilers(path: string): boolean {
  return /\.(?:d\.[cm]?ts|map)$/.test(path);
}

/** Folders of the packages that Ward runs with, from the lock file, as they are installed here. */
async function runtimePackages(): Promise<readonly Package[]> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8')));
  return Object.entries(lock.packages).flatMap(([name, { dev, optional }]) =>
    name === '' || dev === true ? [] : [{ name, isOptional: optional === true }],
  );
}

/** Leaves out packages for other machines, which are not installed here. */
async function stagePackage(folder: string, { name, isOptional }: Package): Promise<void> {
  const from = join(checkout, name);
  if (isOptional && !existsSync(from)) return;
  if (!nodePackage.test(name))
    return await cp(from, join(folder, name), { recursive: true, filter: (path) => !isForCompilers(path) });
  for (const part of ['package.json', 'LICENSE', 'bin/node'])
    await cp(join(from, part), join(folder, name, part), { recursive: true });
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await symlink(`../${basename(name)}/bin/node`, join(folder, 'node_modules/.bin/node'));
}
