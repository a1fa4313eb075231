/**
 * How a scan process is started. For a command of an ordinary user it runs as that user, without capabilities; for a
 * command of root's it runs as a user who owns nothing. A server that can't change users lets a process that can start it.
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
  /** The other end of the process's file descriptor 3; while it is referenced it keeps the caller alive. */
  readonly stream: Socket;
  readonly stderr: Readable;
  /** Its exit code or signal, in words, once everything it sent has been read; never rejects. */
  readonly exited: Promise<string>;
  /** From then on the caller stays alive until it has ended. */
  kill(): void;
}

/** @throws Fault SCAN_FAILED, PROGRAM_UNREADABLE */
export type StartProgram = () => Promise<StartedProgram>;

interface ScanCommand {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Of JavaScript; buffers lie elsewhere. */
export const heapMiB = 160;
/** What lives for a file only; by default as much as would double a scan's memory. */
const semiSpaceMiB = 4;
const program = fileURLToPath(new URL('./program.ts', import.meta.url));

/**
 * The words before those of the scan program.
 * @param as undefined: as the caller
 * @param reads folders of root's, which it reads even if their modes forbid it; beside them it reads Ward's programs only
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
 * The whole command of a scan process; file descriptor 3 is to be one end of a Unix stream socket.
 * @param as and `reads` as `confineScan` has them
 * @throws Fault PROGRAM_UNREADABLE
 */
export async function scanCommand(as: UserIds | undefined, reads?: readonly string[]): Promise<ScanCommand> {
  const words = await confineScan(as, reads);
  const cache = await filledCompileCache(as);
  const flags = [`--max-old-space-size=${heapMiB}`, `--max-semi-space-size=${semiSpaceMiB}`];
  return {
    // When memory runs out, it goes first.
    argv: ['/usr/bin/choom', '--adjust', '500', '--', ...words, process.execPath, ...flags, program],
    env: { PATH: process.env['PATH'], ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }) },
  };
}

/** Starts it by itself: for root as the user who owns nothing, for others as they are. */
export function startDirectly(reads?: readonly string[]): StartProgram {
  return async () => {
    const { canBecome } = await findAbilities();
    const as = canBecome ? { uid: scanId, gid: scanId } : undefined;
    const { argv, env } = await scanCommand(as, canBecome ? reads : undefined);
    const child = startCommand(argv, {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      // In a session of its own, a terminal's signals do not reach it: its scan may still be wanted.
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
    // Nothing else may keep the caller alive until it has heard why the process ended.
    stream.once('close', awaitEnd);
    const kill = (): void => {
      awaitEnd();
      stream.ref();
      child.kill('SIGKILL');
    };
    return { stream, stderr, exited, kill };
  };
}
