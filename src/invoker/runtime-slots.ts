/** Slots of Ward's own runtime images: a runner inside, the channel to it, the code at /fn. */
import type { Image, ImageStore, RootFilesystem, RuntimeKind } from '../images/index.ts';
import type { SandboxPolicy } from '../sandbox/index.ts';
import type { Code, CodeFolder } from './code-folders.ts';
import { invokerFault } from './faults.ts';
import { languageOf } from './languages.ts';
import { RunnerProcess } from './runner-process.ts';
import { environmentOf, newSlot, type Slot, type SlotOptions, type SlotPlan } from './slot.ts';
import { slotPolicy } from './slot-policy.ts';
import type { JobTarget } from './types.ts';

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
  readonly policy: SandboxPolicy;
  readonly code: Code | undefined;
}

const mebibyte = 1024 * 1024;

export function createRuntimeSlots(options: SlotOptions): RuntimeSlots {
  const { images, folders, operator } = options;
  const roots = new Map<string, Promise<PreparedImage>>();
  /** Where the code of a blank slot goes. */
  const blankFolders = new WeakMap<Slot, CodeFolder>();

  const kindOf = (name: string): RuntimeKind => {
    const kind = options.kinds.find((candidate) => candidate.kind === name);
    if (!kind) throw invokerFault('KIND_UNKNOWN', `there is no runtime of kind '${name}'`);
    return kind;
  };
  /** A root stays mounted while the invoker lives: it is shared, and a mount is no part of a cold start. */
  const prepare = (kind: RuntimeKind): Promise<PreparedImage> => {
    const known = roots.get(kind.image);
    if (known) return known;
    const prepared = prepareImage(images, kind.image);
    roots.set(kind.image, prepared);
    prepared.catch(() => roots.delete(kind.image));
    return prepared;
  };
  const start = async ({ kind, memoryMiB, policy, code }: Start): Promise<Slot> => {
    const [prepared, folder] = await Promise.all([prepare(kind), code ? folders.lay(code) : folders.empty()]);
    try {
      const runner = await startRunner(options, kind, prepared, { memoryMiB, policy, codeDir: folder.path });
      void runner.ended.then(() => folder.release());
      const slot = newSlot(kind.kind, memoryMiB, runner);
      if (!code) blankFolders.set(slot, folder);
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
      const { policy, isDefault } = slotPolicy(target, operator);
      const code = { digest, binary, file: languageOf(kind.family).codeFile };
      return {
        kind: name,
        memoryMiB,
        takesBlank: isDefault,
        start: () => start({ kind, memoryMiB, policy, code }),
        async lay(blank) {
          const folder = blankFolders.get(blank);
          if (!folder) throw new TypeError('only a blank slot takes code');
          await folders.fill(folder, code);
        },
      };
    },
    startBlank(name, memoryMiB) {
      const policy = { ...operator.defaults, memoryBytes: memoryMiB * mebibyte };
      return start({ kind: kindOf(name), memoryMiB, policy, code: undefined });
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
  { host, apiHost, readyTimeoutMs, desk, intakes, resultBytes }: SlotOptions,
  kind: RuntimeKind,
  { image, root }: PreparedImage,
  what: { readonly memoryMiB: number; readonly policy: SandboxPolicy; readonly codeDir: string },
): Promise<RunnerProcess> {
  const [program = '', ...args] = image.config.entrypoint;
  const sandbox = await host.start({
    rootDir: root.path,
    args: [program, ...languageOf(kind.family).memoryFlags(what.memoryMiB), ...args],
    env: { ...environmentOf(image.config.env), __OW_API_HOST: apiHost() },
    cwd: image.config.workingDir || '/tmp',
    policy: what.policy,
    codeDir: what.codeDir,
    channel: 'channel',
  });
  const runner = new RunnerProcess(sandbox, intakes, resultBytes);
  desk.watch(sandbox.id, runner);
  const failure = await runner.ready(readyTimeoutMs);
  if (!failure) return runner;
  await runner.end('ended');
  const exit = await sandbox.exited;
  const said = exit.runtimeError || `exit ${exit.code ?? exit.signal}`;
  throw new Error(`a sandbox of ${kind.kind} did not get ready (${failure}): ${said}`);
}
