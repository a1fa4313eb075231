/**
 * The door where the server connects the streams of a sandbox that is about to start: a Unix socket in a folder that
 * only the server's user can enter. A connection first says which stream it is (`SECRET RUN INDEX`), and is then handed
 * to the runtime. The keeper itself connects to nothing, because a path of the server's could lead anywhere.
 */
import { once } from 'node:events';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { randomHex } from '../lib/index.ts';
import { sandboxFault } from '../sandbox/index.ts';

export interface StreamDoor extends AsyncDisposable {
  readonly path: string;
  readonly secret: string;
  /**
   * Resolves to the streams of a run, in order, each blocking. @throws Fault SANDBOX_START_FAILED when some don't
   * arrive in time
   */
  take(run: number, count: number): Promise<readonly Socket[]>;
}

/** Longest line `SECRET RUN INDEX`, in bytes; a run has at most four streams. */
const longestHead = 80;
const deadlineMs = 10_000;
/** Most connections that have not said yet which stream they are. */
const mostSilent = 512;
/** Most runs whose streams wait for the remaining ones or for the request. */
const mostRuns = 512;

interface Arrival {
  readonly sockets: (Socket | undefined)[];
  readonly timer: NodeJS.Timeout;
  wanted: { readonly count: number; readonly all: PromiseWithResolvers<readonly Socket[]> } | undefined;
}

/** @param folder A folder made for the door. @param userId The only user that may connect. */
export async function openStreamDoor(folder: string, userId: number): Promise<StreamDoor> {
  const secret = randomHex(16);
  const path = join(folder, 'streams');
  const arrivals = new Map<number, Arrival>();
  let silent = 0;

  const drop = (run: number): void => {
    const arrival = arrivals.get(run);
    arrivals.delete(run);
    clearTimeout(arrival?.timer);
    for (const socket of arrival?.sockets ?? []) socket?.destroy();
    const late = sandboxFault('SANDBOX_START_FAILED', 'the streams of a sandbox did not arrive in time');
    arrival?.wanted?.all.reject(late);
  };
  const arrivalOf = (run: number): Arrival => {
    const known = arrivals.get(run);
    if (known !== undefined) return known;
    const timer = setTimeout(() => drop(run), deadlineMs).unref();
    const arrival: Arrival = { sockets: [], timer, wanted: undefined };
    arrivals.set(run, arrival);
    return arrival;
  };
  const settle = (run: number): void => {
    const { wanted, sockets, timer } = arrivalOf(run);
    if (wanted === undefined) return;
    const came = sockets.slice(0, wanted.count).filter((socket) => socket !== undefined);
    if (came.length < wanted.count) return;
    arrivals.delete(run);
    clearTimeout(timer);
    try {
      for (const socket of came) setBlocking(socket);
      wanted.all.resolve(came);
    } catch (error) {
      for (const socket of came) socket.destroy();
      wanted.all.reject(error);
    }
  };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (silent >= mostSilent) return void socket.destroy();
    silent++;
    void readHead(socket).then((head) => {
      silent--;
      const [said, run = '', index = ''] = head?.split(' ') ?? [];
      const isSound = said === secret && /^\d{1,15}$/.test(run) && /^[0-3]$/.test(index);
      const isOneTooMany = arrivals.size >= mostRuns && !arrivals.has(Number(run));
      if (!isSound || isOneTooMany || socket.destroyed) return void socket.destroy();
      const { sockets } = arrivalOf(Number(run));
      if (sockets[Number(index)] !== undefined) return void socket.destroy();
      sockets[Number(index)] = socket;
      settle(Number(run));
    });
  });
  await mkdir(folder, { mode: 0o700 });
  server.listen({ path, backlog: 256 });
  await once(server, 'listening');
  await chmod(path, 0o600);
  await chown(path, userId, 0);
  await chown(folder, userId, 0);
  return {
    path,
    secret,
    take(run, count) {
      const all = Promise.withResolvers<readonly Socket[]>();
      all.promise.catch(() => {});
      arrivalOf(run).wanted = { count, all };
      settle(run);
      return all.promise;
    },
    async [Symbol.asyncDispose]() {
      for (const run of [...arrivals.keys()]) drop(run);
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Reads the first line; undefined when it does not arrive in time. The server sends no more before it has an answer.
 */
function readHead(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let head = '';
    const end = (said: string | undefined) => {
      clearTimeout(timer);
      socket.off('data', hear);
      socket.pause();
      resolve(said);
    };
    const hear = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const at = head.indexOf('\n');
      if (at >= 0) end(at === head.length - 1 ? head.slice(0, at) : undefined);
      else if (head.length > longestHead) end(undefined);
    };
    const timer = setTimeout(() => end(undefined), deadlineMs).unref();
    socket.on('data', hear);
    socket.once('close', () => end(undefined));
  });
}

/**
 * Makes a stream blocking, as programs expect of their first descriptors. Node has no public call for it (stdio uses
 * this one).
 */
function setBlocking(socket: Socket): void {
  const { _handle: handle } = socket as unknown as {
    _handle: { setBlocking(isBlocking: boolean): number } | null;
  };
  if (handle?.setBlocking(true) !== 0) {
    throw sandboxFault('SANDBOX_START_FAILED', 'a stream cannot be made blocking');
  }
}
