/** The server's half of the stream door. */
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { KeeperLink } from './link.ts';
import type { Hello } from './wire.ts';

/** Connects the streams of a run. Once all are there, the keeper hands them to the process that the request starts. */
export function connectStreams({ path, secret }: Hello['door'], run: number, count: number): Socket[] {
  return Array.from({ length: count }, (_, index) => {
    const socket = connect({ path });
    socket.on('error', () => {});
    socket.write(`${secret} ${run} ${index}\n`);
    return socket;
  });
}

/** A scan process. */
interface KeptProgram {
  readonly stream: Socket;
  readonly stderr: Readable;
  /** Settles with its exit code or signal, in words, after all its output has been read. Never rejects. */
  readonly exited: Promise<string>;
  kill(): void;
}

/** @throws Fault SANDBOX_START_FAILED */
export async function startKeptScan(link: KeeperLink): Promise<KeptProgram> {
  const run = link.nextId();
  const [stream, stderr] = connectStreams(link.hello.door, run, 2) as [Socket, Socket];
  const heard = new Promise<void>((resolve) => stderr.once('close', resolve));
  try {
    const { scan } = await link.ask('scan', {}, run);
    const ended = new Promise<string>((resolve) => link.watchScan(scan, resolve));
    const kill = (): void => void link.ask('endScan', { scan }).catch(() => {});
    return { stream, stderr, exited: heard.then(() => ended), kill };
  } catch (error) {
    for (const each of [stream, stderr]) each.destroy();
    throw error;
  }
}
