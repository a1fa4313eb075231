/** For tests of techniques: a real host with the real image, and each technique of a list as a test. */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openImageStore } from '../images/index.ts';
import { randomHex, silentLog } from '../lib/index.ts';
import { isIsolated, openSandboxHost, type RuntimeName, strictPolicy } from '../sandbox/index.ts';
import { openSuite, type Suite } from './suite.ts';
import type { Technique } from './types.ts';

const imagesDir = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';
const image = 'python:3.13';

/** Why techniques can't be run here, or undefined. */
export function missingForTechniques(runtime: RuntimeName): string | undefined {
  if (!isIsolated()) return 'needs Ward’s isolation: run npm test as root';
  if (!existsSync(join(imagesDir, 'index.json'))) return `needs the images in ${imagesDir}`;
  const folders = ['/usr/bin', '/usr/sbin', '/usr/local/bin'];
  return folders.some((dir) => existsSync(join(dir, runtime))) ? undefined : `${runtime} is not installed`;
}

/** A suite under the default policy; all that it occupies is given back with it. */
export async function openTestSuite(runtime: RuntimeName): Promise<Suite> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ward-prover-'));
  stack.defer(() => rm(folder, { recursive: true }));
  // The root user of a sandbox is somebody else outside, and has to reach what is below.
  await chmod(folder, 0o711);
  const instance = `test-${randomHex(4)}`;
  const runDir = join(folder, 'run');
  const host = stack.use(await openSandboxHost({ instance, runDir, runtime, log: silentLog }));
  const images = stack.use(await openImageStore({ dir: imagesDir, mountsDir: join(folder, 'roots') }));
  const root = stack.use(await images.mountRoot(await images.resolve(image)));
  const suite = stack.use(
    await openSuite({ host, images, policy: { ...strictPolicy, runtime }, rootDir: root.path }),
  );
  const opened = stack.move();
  return { ...suite, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Each technique as a test: it is blocked, by an answer that it expects. */
export function describeTechniques(
  title: string,
  runtime: RuntimeName,
  techniques: readonly Technique[],
): void {
  const missing = missingForTechniques(runtime);
  const told = `${title} under ${runtime}${missing === undefined ? '' : ` (${missing})`}`;
  describe.skipIf(missing !== undefined)(told, { concurrent: true, timeout: 120_000 }, () => {
    let suite: Suite | undefined;
    beforeAll(async () => {
      suite = await openTestSuite(runtime);
    });
    afterAll(() => suite?.[Symbol.asyncDispose]());

    test.each(techniques)('$name', async (technique) => {
      const result = await suite?.run(technique);
      expect(result, JSON.stringify(result)).toMatchObject({ outcome: 'BLOCKED', asExpected: true });
    });
  });
}
