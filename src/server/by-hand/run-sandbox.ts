/**
 * `ward sandbox run`: runs one sandbox by hand. Root makes it; the other half, without rights, reads flags and image,
 * and connects the sandbox to this process's stdin, stdout, stderr and exit code.
 */
import { pipeline } from 'node:stream/promises';
import type { Image } from '../../images/index.ts';
import {
  boundPolicy,
  operatorPolicy,
  type Sandbox,
  type SandboxExit,
  type SandboxPolicy,
  type ViolationSink,
} from '../../sandbox/index.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { policyRequest, readProfile, runtimeNamed, type SandboxRunOptions } from './policy.ts';
import { imageOf, openHand } from './task.ts';

const exitCodes = { timedOut: 124, outOfMemory: 137 };

/** Runs as root. Resolves to the exit code. */
export async function keepSandbox(options: SandboxRunOptions): Promise<number> {
  const config = await loadConfig(options);
  const { seccompFile, runtime, image } = options;
  const { keepByHand } = await import('./keep.ts');
  return await keepByHand(config, {
    ...{ image, asks: 'flags' },
    runtime: runtime === undefined ? operatorPolicy(config.sandbox).defaults.runtime : runtimeNamed(runtime),
    task: seccompFile === undefined ? {} : { profile: await readProfile(seccompFile) },
  });
}

/** Runs in the other half. Resolves to the program's exit code (128 + n when signal n ended it, 124 after `--timeout`). */
export async function runSandboxHere(options: SandboxRunOptions): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const hand = stack.use(await openHand());
  const { link, task, operator, host, images } = hand;
  link.onViolation = tellEgress;
  const request = policyRequest(options, task.profile);
  const policy = boundPolicy(request, operator);
  const image = await imageOf(hand, options.image);
  const root = stack.use(await images.mountRoot(image, foldersFor(policy)));
  const sandbox = stack.use(
    await host.start({
      rootDir: root.path,
      args: commandOf(options, image),
      env: environmentOf(options, image, policy),
      cwd: options.workdir ?? (image.config.workingDir || '/'),
      ask: { request, memoryBytes: policy.memoryBytes },
      channel: 'none',
    }),
  );
  return await passThrough(sandbox, options.timeoutMs);
}

/** Prints each refusal to stderr, so that the user sees which rule is missing. */
const tellEgress: ViolationSink = (_, { kind, detail }) => {
  if (kind === 'egress') process.stderr.write(`ward: refused ${detail}\n`);
};

/** Entries of /dev are made on the sandbox's own tmpfs. */
function foldersFor({ tmpfs }: SandboxPolicy): string[] {
  return tmpfs.map(({ path }) => path).filter((path) => !path.startsWith('/dev/'));
}

function commandOf(options: SandboxRunOptions, image: Image): readonly string[] {
  if (options.command.length > 0) return options.command;
  const command = [...image.config.entrypoint, ...image.config.cmd];
  if (command.length > 0) return command;
  throw serverFault('FLAG_INVALID', `${options.image} has no program of its own`, {
    hint: `name the program: ward sandbox run ${options.image} -- PROGRAM`,
  });
}

function environmentOf(
  options: SandboxRunOptions,
  image: Image,
  policy: SandboxPolicy,
): Record<string, string> {
  const base = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', HOSTNAME: policy.hostname };
  const given = [...image.config.env, ...options.env].map((entry) => {
    const at = entry.indexOf('=');
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  });
  return { ...base, ...Object.fromEntries(given) };
}

async function passThrough(sandbox: Sandbox, timeoutMs: number | undefined): Promise<number> {
  let stopCode: number | undefined;
  const stop = (code: number) => {
    stopCode ??= code;
    void sandbox.destroy();
  };
  const onInterrupt = () => stop(130);
  const onTerminate = () => stop(143);
  // `on` instead of `once`: a signal can arrive several times, and the later ones must not end Ward before it has
  // cleaned up.
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs, exitCodes.timedOut);
  // A program can end without reading its input.
  process.stdin.pipe(sandbox.stdin).on('error', () => {});
  const output = Promise.allSettled([
    pipeline(sandbox.stdout, process.stdout, { end: false }),
    pipeline(sandbox.stderr, process.stderr, { end: false }),
  ]);
  try {
    const exit = await sandbox.exited;
    await output;
    return stopCode ?? codeOf(exit);
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
    process.stdin.unpipe();
    process.stdin.destroy();
  }
}

const signalNumbers: Readonly<Record<string, number>> = { SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15, SIGSYS: 31 };

/** The program's own exit code; another cause of its end is printed to stderr. */
function codeOf(exit: SandboxExit): number {
  if (exit.runtimeError !== '') throw serverFault('SANDBOX_FAILED', exit.runtimeError);
  if (exit.outOfMemory) process.stderr.write('ward: the sandbox exhausted its memory (see --memory)\n');
  if (exit.seccompKill)
    process.stderr.write('ward: the sandbox made a system call that its policy forbids\n');
  if (exit.outOfMemory && exit.code === null) return exitCodes.outOfMemory;
  return exit.code ?? 128 + (signalNumbers[exit.signal ?? ''] ?? 0);
}
