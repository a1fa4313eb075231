/**
 * Ward's side of the resolver: a process without capabilities, under a user id that owns nothing, which reads the
 * questions of all sandboxes and the answers of name servers. They cost Ward's main thread no time and cannot reach its
 * rights. The process reports which addresses a name has; this file decides which of them are opened.
 */
import { Resolver as SystemResolver } from 'node:dns';
import { fileURLToPath } from 'node:url';
import {
  confine,
  findAbilities,
  messageOf,
  readingPrograms,
  startCommand,
  unownedId,
} from '../../lib/index.ts';
import { endOf, programEnv } from '../programs.ts';
import { refusedName } from '../refusal-text.ts';
import type { Decide } from './decision.ts';
import { type ResolverOrder, type ResolverReport, reportSchema } from './protocol.ts';
import type { ResolverSockets } from './sockets.ts';

export interface ResolverClient {
  readonly tenant: string;
  /** Host patterns of the sandbox's rules. */
  readonly hosts: readonly string[];
  /** Undefined: the host's own resolvers. */
  readonly resolvers: readonly string[] | undefined;
  readonly decide: Decide;
  readonly onRefusal: (detail: string) => void;
}

export interface Resolver {
  /** Answers the questions of that slot for `client` from now on. */
  serve(slot: number, client: ResolverClient): void;
  /** Stops answering the questions of that slot. */
  leave(slot: number): void;
  /** Sends a datagram to Ward's own mark: see `router/refusals.ts`. */
  mark(port: number): void;
  /** Settles with the reason why it can't go on. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

const program = fileURLToPath(new URL('./program.ts', import.meta.url));
const heapMiB = 128;
/** How often to check the host's resolvers, and whether it has an IPv6 address. */
const everyMs = 5000;
/** Most answers being decided at once; further questions get no answer. */
const mostDeciding = 4096;

/**
 * Starts the process, and starts it again when it ends, so that one sandbox's questions never end another sandbox. A
 * process that ends before it served any sandbox would only end again, so it is not replaced.
 * @param makeSockets Makes the sockets of one process; they are handed over, and closed here.
 * @param hasIpv6 Whether this host has an IPv6 address with a route now.
 * @throws Fault PROGRAM_UNREADABLE, EGRESS_UNAVAILABLE
 */
export async function startResolver(
  makeSockets: () => Promise<ResolverSockets>,
  hasIpv6: () => boolean,
  start: StartProcess = startProcess,
): Promise<Resolver> {
  const clients = new Map<number, ResolverClient>();
  const hear = createHearing(clients);
  const begin = async () => start(await makeSockets(), hear, hasIpv6);
  let current = await begin();
  let [hasServed, isEnding] = [false, false];
  const serve = (slot: number, { tenant, hosts, resolvers }: ResolverClient) =>
    current.send({ order: 'serve', slot, tenant, hosts, resolvers });
  const keep = async (): Promise<string> => {
    for (;;) {
      const how = await current.ended;
      if (isEnding || !hasServed) return how;
      current = await begin();
      for (const [slot, client] of clients) serve(slot, client);
    }
  };
  const ended = keep().catch((error: unknown) => `it can't be started again: ${messageOf(error)}`);
  return {
    serve(slot, client) {
      hasServed = true;
      clients.set(slot, client);
      serve(slot, client);
    },
    leave(slot) {
      clients.delete(slot);
      current.send({ order: 'leave', slot });
    },
    mark: (port) => current.send({ order: 'mark', port }),
    ended,
    async end() {
      isEnding = true;
      current.kill();
      await ended;
      // A new process may have just started.
      current.kill();
    },
  };
}

interface ResolverProcess {
  send(order: ResolverOrder): void;
  kill(): void;
  /** Settles with how the process ended. */
  readonly ended: Promise<string>;
}

type StartProcess = (
  sockets: ResolverSockets,
  hear: Hear,
  hasIpv6: () => boolean,
) => Promise<ResolverProcess>;

type Hear = (report: ResolverReport, send: ResolverProcess['send']) => Promise<void>;

async function startProcess(
  sockets: ResolverSockets,
  hear: Hear,
  hasIpv6: () => boolean,
): Promise<ResolverProcess> {
  const id = unownedId();
  const as = { uid: id, gid: id };
  const [abilities, reads] = await Promise.all([findAbilities(), readingPrograms(as, program)]);
  // It asks the host's name servers, so it runs in the host's network.
  const words = confine({ as, reads, opensSockets: true }, { ...abilities, canUnshare: false });
  const child = startCommand([...words, process.execPath, `--max-old-space-size=${heapMiB}`, program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: programEnv,
  });
  const ended = endOf(child);
  const send = (order: ResolverOrder) => void (child.connected && child.send(order, () => {}));
  const kill = () => void child.kill('SIGKILL');
  child.on('message', (message: unknown) => {
    const report = reportSchema.safeParse(message);
    // A process that sends an invalid message has been compromised.
    if (report.success) void hear(report.data, send);
    else kill();
  });
  handOver(child, sockets);
  void ended.then(watchHost(hasIpv6, send));
  return { send, kill, ended };
}

function createHearing(clients: ReadonlyMap<number, ResolverClient>): Hear {
  let deciding = 0;
  return async (report, send) => {
    const client = clients.get(report.slot);
    if (report.report === 'refused') return client?.onRefusal(refusedName(report.name, 'no rule allows it'));
    const { id } = report;
    if (client === undefined || deciding >= mostDeciding) return send({ order: 'failed', id });
    deciding++;
    await client.decide(report.name, report.found).then(
      (told) => send({ order: 'told', id, ...told }),
      () => send({ order: 'failed', id }),
    );
    deciding--;
  };
}

function handOver(child: ReturnType<typeof startCommand>, { udp, tcp }: ResolverSockets): void {
  child.send('udp', udp, {}, () => udp.close());
  child.send('tcp', tcp, {}, () => tcp.close());
}

/**
 * Tells the process about the host, at once and at each change, because it can't read that itself. Returns a function
 * that stops it.
 */
function watchHost(hasIpv6: () => boolean, send: (order: ResolverOrder) => void): () => void {
  let known = '';
  const look = () => {
    const order = {
      order: 'host',
      hasIpv6: hasIpv6(),
      resolvers: new SystemResolver().getServers(),
    } as const;
    if (JSON.stringify(order) === known) return;
    known = JSON.stringify(order);
    send(order);
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  look();
  return () => clearInterval(timer);
}
