/** The parts that run actions on this machine: the images of sandboxes, and the invoker. */
import type { BlobStore } from '../../blobs/index.ts';
import { type ImageStore, openImageStore } from '../../images/index.ts';
import { createInvoker, type Invoker } from '../../invoker/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { kindBehind } from '../config/kind-aliases.ts';
import { serverFault } from '../faults.ts';
import type { GuardedImages } from '../gate/guarded-images.ts';
import type { Context } from './context.ts';
import type { Foundation } from './foundation.ts';
import type { PlatformGround } from './platform-ground.ts';
import { createViolationWatch } from './violation-watch.ts';

export interface InvokerParts {
  readonly ground: PlatformGround;
  readonly foundation: Pick<Foundation, 'store' | 'memory'>;
  readonly images: ImageStore;
  readonly blobs: BlobStore;
  readonly guarded: Pick<GuardedImages, 'storeOver'>;
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

/** An invoker in this process, which observes the violations of its sandboxes. */
export async function openInvoker(context: Context, parts: InvokerParts): Promise<Invoker> {
  const { config, figures, events, limits, kinds, apiHost, log } = context;
  const { ground, foundation, images, blobs, guarded } = parts;
  const onViolation = createViolationWatch({
    store: foundation.store,
    figures,
    config: config.security,
    log,
    fire: (...event) => events.fireSecurity(...event),
  });
  const invoker = await createInvoker({
    ...config.invoker,
    resultBytes: limits.resultBytes,
    prewarm: config.invoker.prewarm.map((each) => ({
      ...each,
      kind: kindBehind(each.kind, config.kindAliases),
    })),
    host: ground.host,
    images: guarded.storeOver(images),
    blobs,
    codePlaces: await ground.codePlaces(),
    operator: operatorPolicy(config.sandbox),
    kinds,
    apiHost,
    onApiConnection: (connection) => events.apiConnected(connection),
    isMemoryShort: foundation.memory.isShort,
    log,
    onViolation,
  });
  events.sandboxViolated = invoker.violated;
  return invoker;
}
