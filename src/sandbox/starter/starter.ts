/**
 * Starts runtimes by another process, so that Ward's main thread does not stand still while its memory is made ready for
 * a child (see program.ts). The streams are connections to an abstract socket (unix(7)), which leaves nothing behind; others
 * on this host can connect to it, too, but have no secret to say.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { randomHex, startCommand } from '../../lib/index.ts';
import { sandboxFault } from '../faults.ts';
import type { Order, Report } from './protocol.ts';
import type { RuntimeCommand, RuntimeExit, RuntimeProcess, StartRuntime } from './types.ts';

export interface Starter {
  readonly start: StartRuntime;
  close(): Promise<void>;
}

interface Run {
  readonly streams: (Socket | undefined)[];
  readonly connection: PromiseWithResolvers<void>;
  readonly spawn: PromiseWithResolvers<void>;
  readonly exit: PromiseWithResolvers<RuntimeExit>;
}

const program = join(import.meta.dirname, 'program.ts');
/** A line `SECRET ID INDEX`. */
const longestHead = 80;

export async function openStarter(): Promise<Starter> {
  const socketName = `ward-starter-${randomHex(8)}`;
  const secret = randomHex(16);
  const runs = new Map<number, Run>();
  const server = await listen(socketName, secret, (socket, id, index) => settle(runs.get(id), socket, index));
  let child: ChildProcess | undefined;
  let lastId = 0;

  const hear = (report: Report): void => {
    const run = runs.get(report.id);
    if (report.did === 'spawn') {
      run?.spawn.resolve();
      return;
    }
    if (run === undefined) return;
    if (report.did === 'fail') {
      runs.delete(report.id);
      fail(run, report.message);
      return;
    }
    // A short program may be heard to have ended before its streams are seen to be there.
    const finish = (): void => {
      runs.delete(report.id);
      end(run, [report.code, report.signal]);
    };
    run.connection.promise.then(finish, () => {});
  };
  const begin = (): ChildProcess => {
    const begun = startCommand([process.execPath, '--max-semi-space-size=1', program, socketName], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
      env: { PATH: process.env['PATH'] ?? '' },
    });
    begun.stdin?.on('error', () => {});
    if (begun.stdout) createInterface({ input: begun.stdout }).on('line', (line) => hear(JSON.parse(line)));
    const lose = (): void => {
      if (child === begun) child = undefined;
      // What it had started is nobody's child any more: its group is killed by who is told that it has ended.
      for (const run of runs.values()) fail(run, 'the process that starts runtimes has ended');
      runs.clear();
    };
    begun.once('exit', lose);
    begun.once('error', lose);
    return begun;
  };
  const give = (order: Order): void => {
    child ??= begin();
    child.stdin?.write(`${JSON.stringify(order)}\n`);
  };
  child = begin();
  return {
    async start({ hasChannel, ...command }: RuntimeCommand): Promise<RuntimeProcess> {
      const id = ++lastId;
      const streams = hasChannel ? 4 : 3;
      const run: Run = {
        streams: Array.from({ length: streams }, () => undefined),
        connection: Promise.withResolvers(),
        spawn: Promise.withResolvers(),
        exit: Promise.withResolvers(),
      };
      runs.set(id, run);
      give({ do: 'start', id, secret, streams, ...command });
      await Promise.all([run.connection.promise, run.spawn.promise]);
      const [stdin, stdout, stderr, channel] = run.streams;
      if (!stdin || !stdout || !stderr) throw startFailed('the runtime was started without streams');
      // Nobody reads from it; but its end has to be seen.
      stdin.resume();
      const kill = (): void => give({ do: 'kill', id });
      return { stdin, stdout, stderr, channel, exited: run.exit.promise, kill };
    },
    async close() {
      const gone = child === undefined ? undefined : once(child, 'exit');
      child?.stdin?.end();
      await gone;
      server.close();
    },
  };
}

/** What nobody reads is let go, so that its streams can end. */
function end({ streams, exit }: Run, how: RuntimeExit): void {
  const [stdin, ...others] = streams;
  stdin?.destroy();
  for (const stream of others) if (stream?.readableFlowing === null) stream.resume();
  exit.resolve(how);
}

function fail(run: Run, message: string): void {
  run.connection.reject(startFailed(message));
  run.spawn.reject(startFailed(message));
  end(run, [null, 'SIGKILL']);
}

function settle(run: Run | undefined, socket: Socket, index: number): void {
  if (run === undefined || index >= run.streams.length) {
    socket.destroy();
    return;
  }
  run.streams[index] = socket;
  if (run.streams.every((stream) => stream !== undefined)) run.connection.resolve();
}

/** Tells of each connection once it has said whose it is; what follows is left in it to be read. */
function listen(
  name: string,
  secret: string,
  onStream: (socket: Socket, id: number, index: number) => void,
): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    let head = Buffer.alloc(0);
    const read = (): void => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\n');
      if (end < 0 && head.length <= longestHead) return;
      socket.off('readable', read);
      const [said, id, index] = head.subarray(0, Math.max(0, end)).toString('latin1').split(' ');
      if (said !== secret) {
        socket.destroy();
        return;
      }
      if (end + 1 < head.length) socket.unshift(head.subarray(end + 1));
      onStream(socket, Number(id), Number(index));
    };
    socket.on('readable', read);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(`\0${name}`, () => resolve(server));
  });
}

function startFailed(message: string) {
  return sandboxFault('SANDBOX_START_FAILED', message);
}
