/**
 * Starts a scan process. For a command of an ordinary user it runs as that user, without capabilities; for a command of
 * root it runs as a user who owns nothing. A server that can't change users has another process start it.
 */
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  confine,
  findAbilities,
  messageOf,
  readingPrograms,
  scanId,
  startCommand,
  type UserIds,
} from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import { filledCompileCache } from './compile-cache.ts';

export interface StartedProgram {
  /** The other end of the process's file descriptor 3. While it is referenced, it keeps the caller alive. */
  readonly stream: Socket;
  readonly stderr: Readable;
  /** Resolves to its exit code or signal, as text, once everything that it sent was read. Never rejects. */
  readonly exited: Promise<string>;
  /** Kills the process. The caller then stays alive until the process has ended. */
  kill(): void;
}

/** @throws Fault SCAN_FAILED, PROGRAM_UNREADABLE */
export type StartProgram = () => Promise<StartedProgram>;

interface ScanCommand {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** The limit for the JavaScript heap, without buffers. */
export const heapMiB = 160;
/** The limit for short-lived objects. V8's default would double a scan's memory. */
const semiSpaceMiB = 4;
const program = fileURLToPath(new URL('./program.ts', import.meta.url));

/**
 * The words of the command that confine the scan program; they come before its own.
 * @param as the user; undefined for the caller
 * @param reads root's folders that it may read even if their modes forbid it; otherwise it reads only Ward's programs
 * @throws Fault PROGRAM_UNREADABLE
 */
export async function confineScan(
  as: UserIds | undefined,
  reads?: readonly string[],
): Promise<readonly string[]> {
  const [cache, closed, abilities] = [
    await filledCompileCache(as),
    await readingPrograms(as, program),
    await findAbilities(),
  ];
  const all = [...(reads ?? []), ...(closed ?? []), ...(cache === undefined ? [] : [cache])];
  return confine({ as, reads: (reads ?? closed) ? all : undefined, hasOwnPids: true }, abilities);
}

/**
 * The whole command of a scan process. The caller must pass one end of a Unix stream socket as file descriptor 3.
 * @param as and `reads` are those of `confineScan`
 * @throws Fault PROGRAM_UNREADABLE
 */
export async function scanCommand(as: UserIds | undefined, reads?: readonly string[]): Promise<ScanCommand> {
  const words = await confineScan(as, reads);
  const cache = await filledCompileCache(as);
  const flags = [`--max-old-space-size=${heapMiB}`, `--max-semi-space-size=${semiSpaceMiB}`];
  return {
    // When memory runs out, the kernel kills it first.
    argv: ['/usr/bin/choom', '--adjust', '500', '--', ...words, process.execPath, ...flags, program],
    env: { PATH: process.env['PATH'], ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) },
  };
}

/** Starts scan processes from this process: for root as the user who owns nothing, for others as the same user. */
export function startDirectly(reads?: readonly string[]): StartProgram {
  return async () => {
    const { canBecome } = await findAbilities();
    const as = canBecome ? { uid: scanId, gid: scanId } : undefined;
    const { argv, env } = await scanCommand(as, canBecome ? reads : undefined);
    const child = startCommand(argv, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      // In a session of its own, the terminal's signals do not reach it: the caller may still need its scan.
      detached: true,
      env,
    });
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(messageOf(error)));
      child.once('close', (code, signal) => resolve(`${signal ?? code}`));
    });
    child.unref();
    const [, , stderr, stream] = child.stdio;
    if (!(stream instanceof Socket) || !(stderr instanceof Socket) || child.pid === undefined)
      throw scannerFault('SCAN_FAILED', `the scan process did not start: ${await exited}`);
    const awaitEnd = (): void => {
      for (const each of [child, stderr]) each.ref();
    };
    // The caller must stay alive until it knows why the process ended, and nothing else may keep it alive.
    stream.once('close', awaitEnd);
    const kill = (): void => {
      awaitEnd();
      stream.ref();
      child.kill('SIGKILL');
    };
    return { stream, stderr, exited, kill };
  };
}
