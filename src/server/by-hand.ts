/** What commands without a server need to make sandboxes: a host of their own, images, and their end. */
import { type ImageStore, openImageStore } from '../images/index.ts';
import { createLog } from '../lib/index.ts';
import {
  type LocalSandboxHost,
  openSandboxHost,
  type RuntimeName,
  type ViolationSink,
} from '../sandbox/index.ts';
import type { Config } from './config.ts';
import { mountsDirOf, runDir } from './instance-locks.ts';
import { claimRunInstance } from './run-instance.ts';

export interface ByHand extends AsyncDisposable {
  readonly host: LocalSandboxHost;
  /** The host's own name, unique on the machine. */
  readonly instance: string;
  readonly images: ImageStore;
}

/** @throws Fault TOO_MANY_RUNS, and those of the sandbox and image rooms */
export async function openByHand(
  config: Config,
  runtime: RuntimeName,
  onViolation?: ViolationSink,
): Promise<ByHand> {
  await using stack = new AsyncDisposableStack();
  const instance = await claimRunInstance();
  stack.defer(() => instance.lock.release());
  const log = createLog(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const host = stack.use(
    await openSandboxHost({
      instance: instance.name,
      runDir,
      runtime,
      log,
      ...(onViolation ? { onViolation } : {}),
    }),
  );
  await host.recover();
  const mountsDir = mountsDirOf(instance.name);
  const images = stack.use(await openImageStore({ dir: config.imagesDir, mountsDir }));
  const opened = stack.move();
  return { host, instance: instance.name, images, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
