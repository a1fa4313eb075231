/**
 * The starter: `node program.ts SOCKET-NAME`. A process with next to no memory, because the time that fork(2) takes grows with
 * the memory of who calls it, and nothing else is done meanwhile: with 240 MB it was 28 ms, here it is 3. It does what it
 * is told on its standard input, and ends with it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { shortSliceArgv } from '../isolation/time-slice.ts';
import type { Order, Report, StartOrder } from './protocol.ts';

const [socketName = ''] = process.argv.slice(2);
const running = new Map<number, ChildProcess>();

// A terminal and a service manager send them to all processes at once; Ward says when it is over.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});

// So that no sandbox waits for the end of a neighbour's slice: they inherit it. A host that can't do it goes on without.
const [chrt = '', ...slice] = shortSliceArgv(process.pid, false);
spawnSync(chrt, slice, { stdio: 'ignore', timeout: 5000 });

for await (const line of createInterface({ input: process.stdin })) {
  const order: Order = JSON.parse(line);
  if (order.do === 'kill') running.get(order.id)?.kill('SIGKILL');
  else void start(order).catch((error: unknown) => fail(order.id, error));
}
// Whoever gave the orders is gone.
process.exit(0);

async function start({ id, secret, argv, cwd, env, streams }: StartOrder): Promise<void> {
  const ends = await Promise.all(
    Array.from({ length: streams }, (_, index) => openEnd(`${secret} ${id} ${index}\n`)),
  );
  const [file = '', ...args] = argv;
  // Runtimes hand signals on to the program inside, which has to outlive a ^C until Ward has drained.
  const child = spawn(file, args, { cwd, env, stdio: ends, detached: true });
  for (const end of ends) end.destroy();
  running.set(id, child);
  child.once('spawn', () => report({ did: 'spawn', id }));
  child.once('error', (error) => fail(id, error));
  child.once('exit', (code, signal) => {
    running.delete(id);
    report({ did: 'exit', id, code, signal });
  });
}

/** Connected, with its first line written, and never read here. */
function openEnd(head: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(`\0${socketName}`);
    socket.pause();
    socket.once('error', reject);
    socket.once('connect', () => {
      setBlocking(socket);
      socket.write(head, () => resolve(socket));
    });
  });
}

/** Programs expect it of the descriptors that they begin with. Node has no public way to it (it is what stdio uses). */
function setBlocking(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: { setBlocking(isBlocking: boolean): number } };
  if (handle.setBlocking(true) !== 0) throw new Error('a stream can not be made blocking');
}

function fail(id: number, error: unknown): void {
  report({ did: 'fail', id, message: error instanceof Error ? error.message : String(error) });
}

function report(what: Report): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
