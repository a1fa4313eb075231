/** `ward up` without privileges: the platform, until a signal. */
import { keeperDescriptor, openLink } from '../../keeper/index.ts';
import { createLog, type Log, messageOf } from '../../lib/index.ts';
import type { Config } from '../config/config.ts';
import type { DataPart } from '../instance/missing-parts.ts';
import type { JoinRequest } from '../platform/cluster-node.ts';
import { startPlatform } from '../platform/platform.ts';
import { keptGround } from '../platform/platform-ground.ts';
import type { GivenKeys, Secrets } from '../secrets/secrets.ts';
import type { GivenTls, KeyPair } from '../tls/key-pair.ts';
import { greet } from './greeting.ts';
import { untilSignal } from './until-signal.ts';

/** The keeper's first message to the server. */
export interface ServerTask {
  readonly config: Config;
  /** The data folder's path as the operator wrote it. */
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly tls: GivenTls;
  readonly acceptMissing: readonly DataPart[];
  readonly acceptMixed: boolean;
  /** Kinds of precedence that the host refuses to Ward; it runs without them. */
  readonly refused: readonly string[];
  readonly role: Exclude<Role, 'api'>;
  readonly join: JoinRequest | undefined;
  /** An inherited socket at the configured address. `isKept`: it stays open after the server. */
  readonly listener: { readonly isKept: boolean } | undefined;
}

/** A later message of the keeper. */
export type ServerNews = { readonly keys: GivenKeys } | { readonly pairs: readonly KeyPair[] };

/**
 * `api`: serves the API, without sandboxes and without privileges. `invoker`: runs actions for other nodes, without a
 * database, keys and an address to listen on.
 */
export type Role = 'all' | 'api' | 'invoker';

export interface UpOptions {
  readonly listen?: string;
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly accessLog?: boolean;
  readonly console?: boolean;
  /** What this node does for its cluster; `all` by default. */
  readonly role?: Role;
  /** Addresses of API nodes of the cluster to join. */
  readonly join?: readonly string[] | undefined;
  /** Permission to join it once. */
  readonly token?: string | undefined;
  /** A file that has it. */
  readonly tokenFile?: string | undefined;
  readonly acceptMissing?: readonly DataPart[];
  readonly acceptMixed?: boolean;
  /** From the Ward that serves the same data folder, if any. */
  readonly takeOver?: boolean;
}

/** The keeper's channel is the descriptor before. */
const listenerDescriptor = keeperDescriptor + 1;

/** Time for handles that are open but not needed, such as the streams of a sandbox that could not be removed. */
const lingerMs = 1000;

/**
 * Serves for a keeper. Resolves to the exit code after everything is closed, and ends this process. A second signal
 * ends it at once.
 */
export async function serveHere(): Promise<number> {
  try {
    return await serve();
  } finally {
    // Exits with the code that the command line has set by then.
    setTimeout(() => process.exit(), lingerMs).unref();
  }
}

async function serve(): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const link = stack.adopt(await openLink(keeperDescriptor), (opened) => opened.close());
  // The keeper is root, and started this process.
  const task = link.hello.task as ServerTask;
  const { config, dataDir, secrets, tls, acceptMissing, acceptMixed, listener, join } = task;
  const log = createLog(config.logLevel);
  const { drainMs } = config.stop;
  // Running calls count as interrupted, as after a kill of both processes; a record of failure would hide that.
  link.onLost = () => {
    log.fatal('the keeper has ended: Ward stops');
    process.exit(1);
  };
  const ground = keptGround(link, config);
  if (task.role === 'invoker' && join !== undefined) {
    const { startInvokerNode } = await import('../platform/invoker-node.ts');
    return await untilSignal({
      ...{ log, drainMs, leaves: false },
      start: () => startInvokerNode(config, log, ground, join),
      onStarted({ name }) {
        sayRefused(task, log);
        process.stdout.write(`ready invoker ${name}\n`);
      },
    });
  }
  const rooms = { role: 'all', ground } as const;
  return await untilSignal({
    ...{ log, drainMs },
    leaves: listener?.isKept === true,
    async start() {
      const platform = await startPlatform(config, log, secrets, rooms, {
        ...{ acceptMissing, acceptMixed, join, tls },
        ...(listener === undefined ? {} : { listener: listenerDescriptor }),
      });
      link.takeNews((told) => {
        const news = told as ServerNews;
        if ('keys' in news) platform.renewKeys(news.keys);
        else platform.renewCertificates(news.pairs);
      });
      return platform;
    },
    onStarted(platform) {
      sayRefused(task, log);
      pruneSoon(log);
      greet(platform, (path) => path.replace(config.dataDir, dataDir));
    },
  });
}

/** The keeper names the cache. */
function pruneSoon(log: Log): void {
  const { WARD_COMPILE_CACHE: folder } = process.env;
  if (folder === undefined) return;
  import('./prune-compile-cache.ts')
    .then(({ pruneCompileCache }) => pruneCompileCache(folder))
    .catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'unused compiled code could not be removed'),
    );
}

function sayRefused({ refused }: ServerTask, log: Log): void {
  if (refused.length === 0) return;
  log.info(
    { refused },
    'a busy machine can delay the platform, since the host refuses these kinds of precedence',
  );
}
