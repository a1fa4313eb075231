/**
 * A slot is a sandbox that is paid for: its memory counts from the moment its start begins until its end. It
 * starts blank (prewarmed, no code) or bound to an action's code; once initialised it belongs to one action of
 * one revision in one namespace for the rest of its life.
 */
import type { Image, ImageStore, RootFilesystem, RuntimeKind } from '../images/index.ts';
import type { SandboxHost, SandboxPolicy } from '../sandbox/index.ts';
import type { Code, CodeFolder, CodeFolders } from './code-folders.ts';
import { invokerFault } from './faults.ts';
import { languageOf } from './languages.ts';
import { RunnerProcess } from './runner-process.ts';
import type { Job } from './types.ts';

export interface Slot {
  readonly kind: string;
  readonly memoryMiB: number;
  readonly runner: RunnerProcess;
  readonly folder: CodeFolder;
  /** Activations that it was handed and has not answered. */
  inFlight: number;
  /** It gets no more activations, and ends with the last that it has. */
  isSpent: boolean;
  /** `performance.now()` of its last answer, or of its start. */
  idleSince: number;
  /** `performance.now()` of when it began to serve its action. */
  readonly startedAt: number;
}

export interface SlotFactory {
  codeOf(job: Job): Code;
  /** Starts a sandbox of a kind; with `code` its code is in place before it starts. */
  start(kind: string, memoryMiB: number, code?: Code): Promise<Slot>;
  /** Puts code into the folder of a blank slot. */
  lay(slot: Slot, code: Code): Promise<void>;
  close(): Promise<void>;
}

/** What slots are made of and from; chosen by whoever puts the platform together. */
export interface SlotSources {
  readonly host: SandboxHost;
  readonly images: ImageStore;
  readonly policy: SandboxPolicy;
  readonly kinds: readonly RuntimeKind[];
  /** URL of the API as user code sees it (`__OW_API_HOST`); asked when a sandbox starts. */
  readonly apiHost: () => string;
}

export interface SlotOptions extends SlotSources {
  readonly folders: CodeFolders;
  readonly readyTimeoutMs: number;
}

const mebibyte = 1024 * 1024;

export function createSlotFactory(options: SlotOptions): SlotFactory {
  const roots = new Map<string, Promise<PreparedImage>>();
  const kindOf = (name: string): RuntimeKind => {
    const kind = options.kinds.find((candidate) => candidate.kind === name);
    if (!kind) throw invokerFault('KIND_UNKNOWN', `there is no runtime of kind '${name}'`);
    return kind;
  };
  /** A root stays mounted while the invoker lives: it is shared, and a mount is no part of a cold start. */
  const prepare = (kind: RuntimeKind): Promise<PreparedImage> => {
    const known = roots.get(kind.image);
    if (known) return known;
    const prepared = prepareImage(options.images, kind.image);
    roots.set(kind.image, prepared);
    prepared.catch(() => roots.delete(kind.image));
    return prepared;
  };
  return {
    codeOf: (job) => ({
      digest: job.code.digest,
      binary: job.code.binary,
      file: languageOf(kindOf(job.kind).family).codeFile,
    }),
    start: (kind, memoryMiB, code) => startSlot(options, prepare, kindOf(kind), memoryMiB, code),
    lay: (slot, code) => options.folders.fill(slot.folder, code),
    async close() {
      const settled = await Promise.allSettled(roots.values());
      for (const root of settled) if (root.status === 'fulfilled') await root.value.root.release();
      roots.clear();
    },
  };
}

interface PreparedImage {
  readonly image: Image;
  readonly root: RootFilesystem;
}

async function prepareImage(images: ImageStore, reference: string): Promise<PreparedImage> {
  const image = await images.resolve(reference);
  return { image, root: await images.mountRoot(image) };
}

async function startSlot(
  options: SlotOptions,
  prepare: (kind: RuntimeKind) => Promise<PreparedImage>,
  kind: RuntimeKind,
  memoryMiB: number,
  code: Code | undefined,
): Promise<Slot> {
  const [{ image, root }, folder] = await Promise.all([
    prepare(kind),
    code ? options.folders.lay(code) : options.folders.empty(),
  ]);
  let runner: RunnerProcess | undefined;
  try {
    const [program = '', ...args] = image.config.entrypoint;
    const sandbox = await options.host.start({
      rootDir: root.path,
      args: [program, ...languageOf(kind.family).memoryFlags(memoryMiB), ...args],
      env: { ...environmentOf(image.config.env), __OW_API_HOST: options.apiHost() },
      cwd: image.config.workingDir || '/tmp',
      policy: { ...options.policy, memoryBytes: memoryMiB * mebibyte },
      codeDir: folder.path,
      channel: 'channel',
    });
    runner = new RunnerProcess(sandbox);
    const failure = await runner.ready(options.readyTimeoutMs);
    if (failure) {
      const exit = await sandbox.exited;
      const said = exit.runtimeError || `exit ${exit.code ?? exit.signal}`;
      throw new Error(`a sandbox of ${kind.kind} did not get ready (${failure}): ${said}`);
    }
    const now = performance.now();
    void runner.ended.then(() => folder.release());
    return {
      kind: kind.kind,
      memoryMiB,
      runner,
      folder,
      inFlight: 0,
      isSpent: false,
      idleSince: now,
      startedAt: now,
    };
  } catch (error) {
    await runner?.end('ended');
    await folder.release();
    throw error;
  }
}

function environmentOf(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    env.map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
