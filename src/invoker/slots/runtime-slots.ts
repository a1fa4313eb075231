/** Slots of Ward's own runtime images: a runner inside, its channel, and the code at /fn. */
import { type JobTarget, sandboxPolicy } from '../../dispatch/index.ts';
import type { Image, ImageStore, RootFilesystem, RuntimeKind } from '../../images/index.ts';
import type { PolicyAsk } from '../../sandbox/index.ts';
import { invokerFault } from '../faults.ts';
import { RunnerProcess } from '../runner/runner-process.ts';
import { type ApiAccess, apiAccess } from './api-port.ts';
import type { Code, CodeFolder } from './code-folders.ts';
import { languageOf } from './languages.ts';
import { environmentOf, newSlot, type Slot, type SlotOptions, type SlotPlan } from './slot.ts';

export interface RuntimeSlots {
  /** @throws Fault KIND_UNKNOWN, POLICY_EXCEEDED */
  plan(target: JobTarget): SlotPlan;
  startBlank(kind: string, memoryMiB: number): Promise<Slot>;
  close(): Promise<void>;
}

interface PreparedImage {
  readonly image: Image;
  readonly root: RootFilesystem;
}

interface Start {
  readonly kind: RuntimeKind;
  readonly memoryMiB: number;
  readonly ask: PolicyAsk;
  readonly code: Code | undefined;
  readonly api?: ApiAccess | undefined;
  /** The namespace; undefined for a slot without code. */
  readonly tenant?: string | undefined;
}

/** What is needed to fill a blank slot. */
interface Blank {
  /** The folder for its code. */
  readonly folder: CodeFolder;
  readonly runner: RunnerProcess;
}

const mebibyte = 1024 * 1024;

export function createRuntimeSlots(options: SlotOptions): RuntimeSlots {
  const { images, folders, operator } = options;
  const roots = new Map<string, Promise<PreparedImage>>();
  const blanks = new WeakMap<Slot, Blank>();

  const kindOf = (name: string): RuntimeKind => {
    const kind = options.kinds.find((candidate) => candidate.kind === name);
    if (!kind) throw invokerFault('KIND_UNKNOWN', `no runtime of kind '${name}'`);
    return kind;
  };
  /** A root stays mounted while the invoker lives: it is shared, and so a cold start needs no mount. */
  const prepare = (kind: RuntimeKind): Promise<PreparedImage> => {
    const known = roots.get(kind.image);
    if (known) return known;
    const prepared = prepareImage(images, kind.image);
    roots.set(kind.image, prepared);
    prepared.catch(() => roots.delete(kind.image));
    return prepared;
  };
  const start = async ({ kind, memoryMiB, ask, code, api, tenant }: Start): Promise<Slot> => {
    const [prepared, folder] = await Promise.all([prepare(kind), code ? folders.lay(code) : folders.empty()]);
    try {
      const runner = await startRunner(options, kind, prepared, {
        ...{ memoryMiB, ask, api, tenant, codeDir: folder.path },
      });
      void runner.ended.then(() => folder.release());
      const slot = newSlot(kind.kind, memoryMiB, runner);
      if (!code) blanks.set(slot, { folder, runner });
      return slot;
    } catch (error) {
      await folder.release();
      throw error;
    }
  };
  return {
    plan(target) {
      const {
        kind: name,
        code: { digest, binary },
      } = target;
      const kind = kindOf(name);
      const { memoryMiB } = target.limits;
      const { ask, policy, isDefault } = sandboxPolicy(target, operator);
      const api = apiAccess(target, policy, options);
      const code = { digest, binary, file: languageOf(kind.family).codeFile };
      return {
        kind: name,
        memoryMiB,
        takesBlank: isDefault,
        apiHost: api.host,
        start: () => start({ kind, memoryMiB, ask, code, api, tenant: target.namespace }),
        async lay(slot) {
          const blank = blanks.get(slot);
          if (!blank) throw new TypeError('only a blank slot can take code');
          await Promise.all([folders.fill(blank.folder, code), api.port && blank.runner.serve(api.port)]);
        },
      };
    },
    startBlank(name, memoryMiB) {
      const ask = { request: {}, memoryBytes: memoryMiB * mebibyte };
      return start({ kind: kindOf(name), memoryMiB, ask, code: undefined });
    },
    async close() {
      const settled = await Promise.allSettled(roots.values());
      for (const root of settled) if (root.status === 'fulfilled') await root.value.root.release();
      roots.clear();
    },
  };
}

async function prepareImage(images: ImageStore, reference: string): Promise<PreparedImage> {
  const image = await images.resolve(reference);
  return { image, root: await images.mountRoot(image) };
}

async function startRunner(
  { host, readyTimeoutMs, desk, intakes, resultBytes }: SlotOptions,
  kind: RuntimeKind,
  { image, root }: PreparedImage,
  { memoryMiB, ask, codeDir, api, tenant }: Omit<Start, 'kind' | 'code'> & { readonly codeDir: string },
): Promise<RunnerProcess> {
  const language = languageOf(kind.family);
  const [program = '', ...args] = image.config.entrypoint;
  const sandbox = await host.start({
    rootDir: root.path,
    args: [program, ...language.memoryFlags(memoryMiB), ...args],
    env: environmentOf(image.config.env),
    cwd: image.config.workingDir || '/tmp',
    ask: language.makesCode ? ask : { ...ask, writeExecute: 'refused' },
    codeDir,
    channel: 'channel',
    ...(tenant === undefined ? {} : { tenant }),
  });
  const runner = new RunnerProcess(sandbox, intakes, resultBytes);
  desk.watch(sandbox.id, runner);
  let refused: unknown;
  const serving =
    api?.port &&
    runner.serve(api.port).catch(async (error) => {
      if (!runner.isEnded) refused = error;
      await runner.end('ended');
    });
  const failure = await runner.ready(readyTimeoutMs);
  await serving;
  if (refused !== undefined) throw refused;
  if (!failure) return runner;
  await runner.end('ended');
  const exit = await sandbox.exited;
  const said = exit.runtimeError || `exit ${exit.code ?? exit.signal}`;
  throw new Error(`a sandbox of ${kind.kind} did not become ready (${failure}): ${said}`);
}
