/**
 * The keeper makes what the server asks for, and checks each request against what the operator allows. The server
 * refers to a root or a piece of code by a name from the keeper; it never sends a path, a user or a configuration.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isAbsolute, join, normalize } from 'node:path';
import type { Duplex } from 'node:stream';
import type { RootMounter } from '../images/index.ts';
import { hostErrnoOf, isFault, type Log, messageOf, randomHex, startCommand } from '../lib/index.ts';
import {
  exitOf,
  type LocalSandboxHost,
  type MadeSandbox,
  type OperatorPolicy,
  type PolicyAsk,
  policyFor,
  type RuntimeProcess,
  type SandboxPolicy,
  type StartRuntime,
  sandboxFault,
  type ViolationSink,
} from '../sandbox/index.ts';
import type { KeptCode } from './code-places.ts';
import { hearLines, sayLine } from './lines.ts';
import { openReadyStarts, type ReadyStarts } from './ready-starts.ts';
import type { StreamDoor } from './stream-door.ts';
import {
  type Answers,
  givenLayer,
  type Operation,
  type Request,
  requestSchemas,
  type Said,
  type WireFault,
} from './wire.ts';

interface KeeperOptions {
  /** The connection to the server. */
  readonly channel: Duplex;
  readonly host: LocalSandboxHost;
  readonly operator: OperatorPolicy;
  /** The most memory that a sandbox may have. */
  readonly memoryBytes: number;
  readonly mounter: RootMounter;
  readonly layersDir: string;
  /** Absent: sandboxes get no code. */
  readonly code?: KeptCode;
  readonly door: StreamDoor;
  /** The whole command of a scan process; absent: the keeper starts no scans. */
  readonly scanCommand?: () => Promise<{ readonly argv: readonly string[]; readonly env: NodeJS.ProcessEnv }>;
  /** The schema of requests for sandboxes; absent: `actions`. */
  readonly asks?: keyof typeof requestSchemas;
  /** A folder of the host that the operator gave as a root; the mounter mounts it. */
  readonly givenFolder?: string | undefined;
  /** Total number of sandboxes that may be started. */
  readonly mostSandboxes?: number;
  /** The server's user id. */
  readonly userId: number;
  readonly log: Log;
}

/** Disposing of it ends the scans that the server left, and unmounts what it left mounted; the host ends its sandboxes. */
export interface Keeper extends AsyncDisposable {
  readonly onViolation: ViolationSink;
  /** Sends the server a message from the program that started the keeper. */
  readonly tell: (news: unknown) => void;
  /** Reports to the server how many sandboxes could not be removed yet. */
  readonly onLeftBehind: (count: number) => void;
  /** Settles when the server has hung up. */
  readonly ended: Promise<void>;
}

type Handlers = {
  readonly [Op in Operation]: (request: Extract<Request, { op: Op }>) => Promise<Answers[Op]>;
};

/** More than a correct server ever has open at once. */
const mostOpen = 4096;

export function keep(options: KeeperOptions): Keeper {
  const { channel, log } = options;
  const say = (said: Said): void => sayLine(channel, said);
  const schema = requestSchemas[options.asks ?? 'actions'];
  const roots = new Map<string, string>();
  const scans: Scans = { running: new Map(), isOver: false };
  const ready = openReadyStarts(options.door);
  const handlers = handlersOf(options, { roots, scans, ready, say });
  let open = 0;
  const hear = async (value: unknown): Promise<void> => {
    const parsed = schema.safeParse(value);
    if (!parsed.success || open >= mostOpen) {
      log.error({ issues: parsed.error?.issues.slice(0, 3) }, 'the server sent an unknown request');
      channel.destroy();
      return;
    }
    const { id } = parsed.data;
    open++;
    try {
      say({ say: 'answer', id, value: await handle(handlers, parsed.data) });
    } catch (error) {
      say({ say: 'fault', id, fault: wireFault(error) });
    } finally {
      open--;
    }
  };
  return {
    onViolation: (sandbox, violation) => say({ say: 'violation', sandbox, violation }),
    onLeftBehind: (count) => say({ say: 'left', count }),
    tell: (news) => say({ say: 'news', news }),
    ended: hearLines(channel, (value) => void hear(value)),
    async [Symbol.asyncDispose]() {
      channel.destroy();
      ready.close();
      // A scan ends by itself when the server is gone, unless it stands still.
      scans.isOver = true;
      for (const scan of scans.running.values()) scan.kill('SIGKILL');
      for (const root of roots.keys()) await options.mounter.unmount(root);
    },
  };
}

/** Calls the handler of the request's own operation; the compiler can't see that the two match. */
function handle(handlers: Handlers, request: Request): Promise<unknown> {
  const handler = handlers[request.op] as (request: Request) => Promise<unknown>;
  return handler(request);
}

interface Scans {
  /** By name. */
  readonly running: Map<string, ChildProcess>;
  /** The server has hung up. */
  isOver: boolean;
}

interface Kept {
  /** Where the roots are mounted, by name. */
  readonly roots: Map<string, string>;
  readonly scans: Scans;
  readonly ready: ReadyStarts;
  readonly say: (said: Said) => void;
}

function handlersOf(options: KeeperOptions, kept: Kept): Handlers {
  const { roots, scans, ready, say } = kept;
  const { mounter, layersDir, givenFolder, userId, mostSandboxes = Number.POSITIVE_INFINITY } = options;
  const sandboxes = new Map<string, MadeSandbox>();
  let started = 0;
  const sandboxOf = (id: string): MadeSandbox => {
    const found = sandboxes.get(id);
    if (found === undefined) throw sandboxFault('SANDBOX_ENDED', `sandbox ${id} has ended`);
    return found;
  };
  return {
    async start(request) {
      if (++started > mostSandboxes)
        throw sandboxFault('REQUEST_UNSAFE', `this keeper starts no more than ${mostSandboxes} sandboxes`);
      return startSandbox(options, request, { ...kept, sandboxes });
    },
    async ready({ id: run }) {
      await ready.make(run);
      return null;
    },
    async check({ ask }) {
      await options.host.checkPolicy(boundedPolicy(ask, options));
      return null;
    },
    async destroy({ sandbox }) {
      await sandboxes.get(sandbox)?.destroy();
      return null;
    },
    async lend({ sandbox }) {
      return { isLent: await sandboxOf(sandbox).lend(userId) };
    },
    async told({ sandbox }) {
      const found = sandboxes.get(sandbox);
      found?.hearKernel?.();
      return { traffic: await found?.refusalsTold?.() };
    },
    async wayIn({ sandbox, port }) {
      const { path, said, ended } = await sandboxOf(sandbox).wayIn(port);
      void ended.then(() => say({ say: 'lost', sandbox, port, why: said() ?? 'its relay has ended' }));
      return { path };
    },
    async portFolder({ sandbox, port }) {
      return { path: await sandboxOf(sandbox).portFolder(port) };
    },
    async serve({ sandbox, port, connections }) {
      await sandboxOf(sandbox).serve({ port, connections });
      return null;
    },
    async mount({ root, reference, layers, folders }) {
      if (roots.has(root)) throw sandboxFault('REQUEST_UNSAFE', `the root ${root} is already mounted`);
      for (const folder of folders) refuseDetour(folder);
      const layerDirs = layers.map((layer) =>
        layer === givenLayer && givenFolder !== undefined ? givenFolder : join(layersDir, layer),
      );
      const path = await mounter.mount(root, { reference, layerDirs, folders });
      roots.set(root, path);
      return { path };
    },
    async unmount({ root }) {
      if (roots.delete(root)) await mounter.unmount(root);
      return null;
    },
    ...scanHandlers(options, scans, say),
    async makeCode() {
      const code = codeOf(options);
      const made = await code.make();
      return { code: made, path: code.path(made) };
    },
    async removeCode(request) {
      await codeOf(options).remove(request.code);
      return null;
    },
  };
}

interface Making extends Kept {
  readonly sandboxes: Map<string, MadeSandbox>;
}

async function startSandbox(
  options: KeeperOptions,
  request: Extract<Request, { op: 'start' }>,
  { sandboxes, roots, ready, say }: Making,
): Promise<Answers['start']> {
  const { root, code, ask, tenant, ...rest } = request.order;
  const way = wayToStart(options.door, ready, request);
  try {
    const rootDir = roots.get(root);
    if (rootDir === undefined) throw sandboxFault('REQUEST_UNSAFE', `the root ${root} is not mounted`);
    const codeDir = code === undefined ? {} : { codeDir: codeOf(options).path(code) };
    const share = tenant === undefined ? {} : { tenant };
    const policy = boundedPolicy(ask, options);
    const { sandbox } = await options.host.begin(
      { ...rest, ...codeDir, ...share, rootDir, policy },
      way.start,
    );
    const { id } = sandbox;
    sandboxes.set(id, sandbox);
    void sandbox.exited.then((exit) => say({ say: 'ended', sandbox: id, exit, usage: sandbox.usage() }));
    void sandbox.removed.catch(() => {}).then(() => sandboxes.delete(id));
    return { sandbox: id };
  } catch (error) {
    way.release();
    throw error;
  }
}

interface WayToStart {
  readonly start: StartRuntime<RuntimeProcess>;
  /** Undoes it when the start fails. */
  release(): void;
}

function wayToStart(
  door: StreamDoor,
  ready: ReadyStarts,
  { id: run, order: { channel }, ready: prepared }: Extract<Request, { op: 'start' }>,
): WayToStart {
  if (prepared !== undefined && channel === 'channel') {
    const waiting = ready.take(prepared);
    return { start: async (command) => waiting.become(command), release: waiting.end };
  }
  const streams = door.take(run, channel === 'channel' ? 4 : 3);
  return { start: startWith(streams), release: () => releaseStreams(streams) };
}

function codeOf({ code }: Pick<KeeperOptions, 'code'>): KeptCode {
  if (code === undefined) throw sandboxFault('REQUEST_UNSAFE', 'this keeper gives sandboxes no code');
  return code;
}

/** Releases streams, including those that have not arrived yet. */
function releaseStreams(streams: Promise<readonly Duplex[]>): void {
  void streams.then(
    (sockets) => sockets.map((socket) => socket.destroy()),
    () => {},
  );
}

/** More than any pool of the server's has. */
const mostScans = 256;

function scanHandlers(
  { door, scanCommand }: KeeperOptions,
  scans: Scans,
  say: (said: Said) => void,
): Pick<Handlers, 'scan' | 'endScan'> {
  const { running } = scans;
  return {
    async scan({ id: run }) {
      if (scanCommand === undefined) throw sandboxFault('REQUEST_UNSAFE', 'this keeper starts no scans');
      if (running.size >= mostScans)
        throw sandboxFault('SANDBOX_START_FAILED', 'too many scan processes are running');
      // Take the streams before the command is prepared: the first one takes long, and streams don't wait that long.
      const streams = door.take(run, 2);
      let child: ChildProcess;
      try {
        const [{ argv, env }, [talk, errors]] = await Promise.all([scanCommand(), streams]);
        if (scans.isOver) throw sandboxFault('SANDBOX_ENDED', 'the server has hung up');
        // The process uses descriptor 3 to talk to the server.
        child = startCommand(argv, { env, stdio: ['ignore', 'ignore', errors, talk], detached: true });
        await once(child, 'spawn');
      } finally {
        releaseStreams(streams);
      }
      const scan = randomHex(8);
      running.set(scan, child);
      if (scans.isOver) child.kill('SIGKILL');
      void exitOf(child).then(([code, signal]) => {
        running.delete(scan);
        say({ say: 'scanned', scan, how: `${signal ?? code}` });
      });
      return { scan };
    },
    async endScan({ scan }) {
      running.get(scan)?.kill('SIGKILL');
      return null;
    },
  };
}

/** Starts a runtime on the server's streams; this process closes its own ends. */
function startWith(streams: Promise<readonly Duplex[]>): StartRuntime<RuntimeProcess> {
  return async ({ argv, cwd, env }) => {
    const ends = await streams;
    // Runtimes pass signals on to the program inside, which has to outlive a ^C until Ward has drained.
    const child = startCommand(argv, { cwd, env, stdio: [...ends], detached: true });
    try {
      await once(child, 'spawn');
    } finally {
      for (const end of ends) end.destroy();
    }
    return { exited: exitOf(child), kill: () => void child.kill('SIGKILL') };
  };
}

function boundedPolicy(ask: PolicyAsk, { operator, memoryBytes }: KeeperOptions): SandboxPolicy {
  if (ask.memoryBytes > memoryBytes) {
    throw sandboxFault('POLICY_EXCEEDED', `memory: no sandbox may have ${ask.memoryBytes} bytes`);
  }
  return policyFor(ask, operator);
}

function refuseDetour(folder: string): void {
  const isPlain =
    folder !== '' && !isAbsolute(folder) && normalize(folder) === folder && !folder.startsWith('..');
  if (!isPlain) throw sandboxFault('REQUEST_UNSAFE', `${folder} is not a folder of a root`);
}

function wireFault(error: unknown): WireFault {
  const errno = hostErrnoOf(error);
  if (!isFault(error))
    return { code: 'SANDBOX_START_FAILED', kind: 'host', message: messageOf(error), errno };
  const { code, kind, message, hint } = error;
  return { code, kind, message, hint, errno };
}
