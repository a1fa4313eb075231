/**
 * An invoker with real sandboxes and no server, to test how it handles jobs. It runs in this process, in folders that
 * are removed afterwards.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, openBlobStore } from '../src/blobs/index.ts';
import {
  type ActivationLog,
  type Completion,
  type Job,
  type JobTarget,
  linesOf,
} from '../src/dispatch/index.ts';
import { openImageStore, runtimeKinds } from '../src/images/index.ts';
import { createInvoker, type Invoker, type InvokerOptions, openCodePlaces } from '../src/invoker/index.ts';
import { newActivationId, randomHex, silentLog } from '../src/lib/index.ts';
import { openSandboxHost, operatorPolicy, takeOrders } from '../src/sandbox/index.ts';
import { cgroupsOf, freezerStatesOf } from './cgroups.ts';
import { imagesDir } from './ward.ts';

/** A completion with its log. */
export type EndedJob = Completion & { readonly logs: Promise<ActivationLog> };

export interface TargetChanges extends Partial<Omit<JobTarget, 'code' | 'limits'>> {
  readonly limits?: Partial<JobTarget['limits']>;
  readonly main?: string;
  readonly binary?: boolean;
}

export class InvokerBench implements AsyncDisposable {
  readonly invoker: Invoker;
  readonly instance: string;
  readonly #stack: AsyncDisposableStack;
  readonly #store: (code: Buffer) => Promise<unknown>;

  private constructor(
    invoker: Invoker,
    instance: string,
    stack: AsyncDisposableStack,
    store: (code: Buffer) => Promise<unknown>,
  ) {
    this.invoker = invoker;
    this.instance = instance;
    this.#stack = stack;
    this.#store = store;
  }

  /** @param images a folder of images; the runtime images by default */
  static async open(options: Partial<InvokerOptions> = {}, images = imagesDir): Promise<InvokerBench> {
    await using stack = new AsyncDisposableStack();
    const dir = await mkdtemp(join(tmpdir(), 'ward-invoker-'));
    stack.defer(() => rm(dir, { recursive: true, force: true }));
    await chmod(dir, 0o711);
    const instance = `bench-${randomHex(4)}`;
    const runtime = options.operator?.defaults.runtime ?? 'crun';
    const host = stack.use(
      await openSandboxHost({
        instance,
        runDir: join(dir, 'run'),
        runtime,
        log: silentLog,
        onViolation: (id, violation) => invoker.violated(id, violation),
      }),
    );
    const store = stack.use(await openImageStore({ dir: images, mountsDir: join(dir, 'roots') }));
    const blobs = await openBlobStore(join(dir, 'code'));
    const invoker: Invoker = stack.use(
      await createInvoker({
        host: takeOrders(host, options.operator ?? operatorPolicy()),
        images: store,
        blobs,
        codePlaces: await openCodePlaces(join(dir, 'laid')),
        operator: operatorPolicy(),
        kinds: runtimeKinds(),
        apiHost: () => 'http://127.0.0.1:1',
        memoryMiB: 4096,
        prewarm: [],
        maxStarting: 4,
        maxQueued: 100,
        freezeAfterMs: 60_000,
        keepAliveMs: 600_000,
        log: silentLog,
        ...options,
      }),
    );
    return new InvokerBench(invoker, instance, stack.move(), (code) => blobs.put(code));
  }

  /** A new action with this code: text, or an archive if `binary`. */
  async target(code: string | Buffer, changes: TargetChanges = {}): Promise<JobTarget> {
    const bytes = Buffer.from(code);
    await this.#store(bytes);
    const { limits, main = 'main', binary = false, ...rest } = changes;
    return {
      namespace: 'guest',
      action: `/guest/${randomHex(4)}`,
      version: '0.0.1',
      revision: randomHex(8),
      kind: 'nodejs:24',
      code: { digest: digestOf(bytes), binary, main },
      initEnv: {},
      ...rest,
      limits: { timeoutMs: 20_000, memoryMiB: 256, logBytes: 1_000_000, concurrency: 1, ...limits },
    };
  }

  job(target: JobTarget, parameters: Job['parameters'] = {}): Job {
    return {
      ...target,
      activationId: newActivationId(),
      transactionId: 'tid',
      parameters,
      acceptedAt: Date.now(),
    };
  }

  async run(target: JobTarget, parameters: Job['parameters'] = {}): Promise<EndedJob> {
    return this.runJob(this.job(target, parameters));
  }

  async runJob(job: Job): Promise<EndedJob> {
    const { completion, log } = await this.invoker.run(job);
    return { ...completion, logs: log };
  }

  /** Sandboxes that exist now. */
  get sandboxes(): number {
    return new Set(cgroupsOf(this.instance).map((path) => path.slice(path.lastIndexOf('/')))).size;
  }

  /** Those of them that are frozen. */
  get frozen(): number {
    return freezerStatesOf(this.instance).filter((state) => state === 'FROZEN').length;
  }

  /** Polls without a fixed wait; the test's time-out ends it. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/**
 * The text of each line without its time: first stdout, then stderr. The streams are two pipes, so the order between
 * them is random.
 */
export function textsOf(log: ActivationLog): string[] {
  const texts = linesOf(log).map((line) => line.slice(line.indexOf(' ') + 1));
  return texts.toSorted((a, b) => Number(a.startsWith('stderr')) - Number(b.startsWith('stderr')));
}
