/** The parts that run actions on this machine: the images of sandboxes, and the invoker. */
import type { BlobReader } from '../../blobs/index.ts';
import type { ViolationReport } from '../../dispatch/index.ts';
import { type ImageStore, openImageStore } from '../../images/index.ts';
import { type ApiConnection, createInvoker, type Invoker } from '../../invoker/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { kindBehind } from '../config/kind-aliases.ts';
import { serverFault } from '../faults.ts';
import type { Context } from './context.ts';
import type { PlatformGround } from './platform-ground.ts';

export interface InvokerParts {
  readonly ground: PlatformGround;
  /** Also finds pushed images. */
  readonly images: ImageStore;
  /** Code. */
  readonly blobs: Pick<BlobReader, 'get'>;
  readonly isMemoryShort: () => boolean;
  readonly onApiConnection: (connection: ApiConnection) => void;
  readonly onViolation: (report: ViolationReport) => void;
}

/** @throws Fault IMAGES_MISSING, and those of the image store */
export async function openRuntimeImages(
  { config: { imagesDir }, kinds }: Context,
  { mounter, mountsDir }: PlatformGround,
): Promise<ImageStore> {
  await using stack = new AsyncDisposableStack();
  const images = stack.use(await openImageStore({ dir: imagesDir, mounter, mountsDir }));
  const names = new Set((await images.list()).map(({ name }) => name));
  const missing = kinds.filter(({ image }) => !names.has(image)).map(({ image }) => image);
  if (missing.length > 0) {
    throw serverFault('IMAGES_MISSING', `the runtime images ${missing.join(', ')} are not in ${imagesDir}`, {
      hint: 'build them with: node scripts/setup.mjs',
    });
  }
  stack.move();
  return images;
}

export async function openInvoker(
  { config, limits, kinds, apiHost, log }: Context,
  { ground, ...parts }: InvokerParts,
): Promise<Invoker> {
  return createInvoker({
    ...config.invoker,
    resultBytes: limits.resultBytes,
    prewarm: config.invoker.prewarm.map((each) => ({
      ...each,
      kind: kindBehind(each.kind, config.kindAliases),
    })),
    ...parts,
    host: ground.host,
    codePlaces: await ground.codePlaces(),
    operator: operatorPolicy(config.sandbox),
    kinds,
    apiHost,
    log,
  });
}
