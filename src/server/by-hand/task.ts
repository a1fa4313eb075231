/** The task that root gives to the other half of a command run by hand, and the code that reads it there. */

import { join } from 'node:path';
import { type Image, type ImageStore, openImageStore } from '../../images/index.ts';
import {
  givenLayer,
  type KeeperLink,
  keeperDescriptor,
  openKeptHost,
  openKeptMounter,
  openLink,
} from '../../keeper/index.ts';
import { errnoOf, messageOf } from '../../lib/index.ts';
import { type OperatorPolicy, operatorPolicy, type SandboxHost } from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';

/** A folder of the host, or a reference in the image store. */
export type GivenImage =
  | { readonly isFolder: true }
  | { readonly isFolder: false; readonly reference: string };

export interface HandTask {
  readonly config: Config;
  readonly image?: GivenImage;
  /** Content of the named seccomp profile. */
  readonly profile?: string;
  /** The descriptor of a recorder's trace. */
  readonly trace?: number;
  /** A folder for the code of calls. */
  readonly codeDir?: string;
  /** Descriptors of named files, by path. */
  readonly files?: Readonly<Record<string, number>>;
}

interface Hand extends AsyncDisposable {
  readonly link: KeeperLink;
  readonly task: HandTask;
  readonly operator: OperatorPolicy;
  readonly host: SandboxHost;
  readonly images: ImageStore;
}

/** Runs in the other half. @throws Fault SANDBOX_START_FAILED when root has ended, IMAGE_STORE_INVALID */
export async function openHand(): Promise<Hand> {
  await using stack = new AsyncDisposableStack();
  const link = stack.adopt(await openLink(keeperDescriptor), async (opened) => {
    // Sandboxes can still be in removal; a lost answer would otherwise be an unhandled error.
    await opened.idle();
    opened.close();
  });
  // Root started this process.
  const task = link.hello.task as HandTask;
  const operator = operatorPolicy(task.config.sandbox);
  const { mountsDir } = link.hello;
  const mounter = openKeptMounter(link);
  const images = stack.use(await openImageStore({ dir: task.config.imagesDir, mountsDir, mounter }));
  const host = openKeptHost(link, operator);
  const opened = stack.move();
  return { link, task, operator, host, images, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The image named `reference` on the command line. @throws Fault IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_UNREADABLE */
export async function imageOf({ task, link, images }: Hand, reference: string): Promise<Image> {
  const { image } = task;
  if (image?.isFolder) {
    const config = { env: [], entrypoint: [], cmd: [], workingDir: '/', user: '', labels: {} };
    return { reference, digest: undefined, config, layerDirs: [join(link.hello.layersDir, givenLayer)] };
  }
  try {
    return { ...(await images.resolve(image?.reference ?? reference)), reference };
  } catch (cause) {
    if (errnoOf(cause) !== 'EACCES') throw cause;
    throw serverFault('IMAGE_UNREADABLE', `${reference}: ${messageOf(cause)}`, {
      hint: 'a user without rights reads images: chmod -R o+rX the layout',
      cause,
    });
  }
}
