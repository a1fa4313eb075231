/** A real host with the real image, for tests of the suite. */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Image, type ImageStore, openImageStore } from '../images/index.ts';
import { randomHex, silentLog } from '../lib/index.ts';
import { isIsolated, type LocalSandboxHost, openSandboxHost, type RuntimeName } from '../sandbox/index.ts';

const imagesDir = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';
const programImage = 'python:3.13';

/** The reason why techniques can't run here, or undefined. */
export function missingForTechniques(runtime: RuntimeName): string | undefined {
  if (!isIsolated()) return 'needs Ward’s isolation: run npm test as root';
  if (!existsSync(join(imagesDir, 'index.json'))) return `needs the images in ${imagesDir}`;
  const folders = ['/usr/bin', '/usr/sbin', '/usr/local/bin'];
  return folders.some((dir) => existsSync(join(dir, runtime))) ? undefined : `${runtime} is not installed`;
}

/** Everything that a run of the suite needs. Disposing of it frees what it occupies. */
interface ProverPlace extends AsyncDisposable {
  readonly host: LocalSandboxHost;
  readonly images: ImageStore;
  readonly instance: string;
  readonly runDir: string;
  readonly image: Image;
  readonly rootDir: string;
}

export async function openProverPlace(runtime: RuntimeName): Promise<ProverPlace> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ward-prover-'));
  stack.defer(() => rm(folder, { recursive: true }));
  // The root user of a sandbox has another id outside, and must be able to enter this folder.
  await chmod(folder, 0o711);
  const instance = `test-${randomHex(4)}`;
  const runDir = join(folder, 'run');
  const host = stack.use(await openSandboxHost({ instance, runDir, runtime, log: silentLog }));
  const images = stack.use(await openImageStore({ dir: imagesDir, mountsDir: join(folder, 'roots') }));
  const image = await images.resolve(programImage);
  const root = stack.use(await images.mountRoot(image));
  const opened = stack.move();
  return {
    host,
    images,
    instance,
    runDir,
    image,
    rootDir: root.path,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
