/**
 * Builds the container image of Ward for a cluster, from `deploy/container/Containerfile`, with buildah. The runtime
 * images of this machine's image store go into it, packed, so that an invoker needs no other source of them.
 *
 *     node scripts/container-image.ts NAME [--base IMAGE] [--images DIR]
 */
import { existsSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startCommand } from '../src/lib/index.ts';
import { checkout, stageWard } from './staged-ward.ts';

interface ContainerImage {
  readonly name: string;
  /** A Debian 13 that replaces the one from Docker's registry. */
  readonly base: string | undefined;
  /** An image store. */
  readonly imagesDir: string;
}

/** @returns buildah's exit code */
async function makeContainerImage({ name, base, imagesDir }: ContainerImage): Promise<number> {
  await using staged = await mkdtempDisposable(join(tmpdir(), 'ward-container-image-'));
  await stageWard(staged.path, ['LICENSE', 'runners', 'scripts/upgrade-database.ts']);
  const argv = [
    ...['buildah', 'build', '--tag', name, '--file', join(checkout, 'deploy/container/Containerfile')],
    ...(base === undefined ? [] : ['--build-arg', `BASE=${base}`]),
    ...['--build-context', `images=${imagesDir}`, staged.path],
  ];
  const child = startCommand(argv, { stdio: 'inherit' });
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`buildah does not start: ${error.message}\n`);
      resolve(1);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { base: { type: 'string' }, images: { type: 'string', default: '/var/lib/ward/images' } },
  });
  const [name] = positionals;
  if (name === undefined || positionals.length > 1) {
    process.stderr.write('usage: node scripts/container-image.ts NAME [--base IMAGE] [--images DIR]\n');
    process.exitCode = 2;
  } else if (!existsSync(join(values.images, 'index.json'))) {
    process.stderr.write(`${values.images} has no runtime images: run node scripts/setup.mjs first\n`);
    process.exitCode = 1;
  } else {
    const { base, images } = values;
    process.exitCode = await makeContainerImage({ name, base, imagesDir: images });
  }
}
