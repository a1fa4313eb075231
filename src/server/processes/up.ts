/** `ward up` without privileges: the platform, until a signal. */
import { keeperDescriptor, openLink } from '../../keeper/index.ts';
import { createLog } from '../../lib/index.ts';
import type { Config } from '../config/config.ts';
import type { DataPart } from '../instance/missing-parts.ts';
import { startPlatform } from '../platform/platform.ts';
import { keptGround } from '../platform/platform-ground.ts';
import type { GivenKeys, Secrets } from '../secrets/secrets.ts';
import { greet } from './greeting.ts';
import { untilSignal } from './until-signal.ts';

/** The keeper's first message to the server. */
export interface ServerTask {
  readonly config: Config;
  /** The data folder's path as the operator wrote it. */
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly acceptMissing: readonly DataPart[];
  readonly acceptMixed: boolean;
  /** Kinds of precedence that the host refuses to Ward; it runs without them. */
  readonly refused: readonly string[];
  /** An inherited socket at the configured address. `isKept`: it stays open after the server. */
  readonly listener: { readonly isKept: boolean } | undefined;
}

/** `api`: serves the API, without sandboxes and without privileges. */
export type Role = 'all' | 'api';

export interface UpOptions {
  readonly listen?: string;
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly accessLog?: boolean;
  /** What this node does for its cluster; `all` by default. */
  readonly role?: Role;
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
  const { config, dataDir, secrets, acceptMissing, acceptMixed, refused, listener } = link.hello
    .task as ServerTask;
  const log = createLog(config.logLevel);
  // Running calls count as interrupted, as after a kill of both processes; a record of failure would hide that.
  link.onLost = () => {
    log.fatal('the keeper has ended: Ward stops');
    process.exit(1);
  };
  const rooms = { role: 'all', ground: keptGround(link, config) } as const;
  return await untilSignal({
    log,
    leaves: listener?.isKept === true,
    async start() {
      const platform = await startPlatform(config, log, secrets, rooms, {
        ...{ acceptMissing, acceptMixed },
        ...(listener === undefined ? {} : { listener: listenerDescriptor }),
      });
      link.onNews = (news) => platform.renewKeys(news as GivenKeys);
      return platform;
    },
    onStarted(platform) {
      if (refused.length > 0)
        log.info(
          { refused },
          'a busy machine can delay the platform, since the host refuses these kinds of precedence',
        );
      greet(platform, (path) => path.replace(config.dataDir, dataDir));
    },
  });
}
