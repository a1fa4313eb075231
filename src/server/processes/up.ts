/** `ward up` without privileges: the platform, until a signal. */
import { keeperDescriptor, openLink } from '../../keeper/index.ts';
import { createLog } from '../../lib/index.ts';
import { type Config, defaultDataDir, defaultListen } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import type { DataPart } from '../instance/missing-parts.ts';
import { type Platform, startPlatform } from '../platform/platform.ts';
import { keptGround } from '../platform/platform-ground.ts';
import type { GivenKeys, Secrets } from '../secrets/secrets.ts';
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

export interface UpOptions {
  readonly listen?: string;
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly accessLog?: boolean;
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

const usualUrl = `http://${defaultListen}`;
const usualKeyFile = dataPaths(defaultDataDir).guestKey;

/** The line `ready` is for programs; the rest shows the user the next commands. */
function greet(
  { url, guestKey, newParameterKeys, advisoriesWarning }: Platform,
  told: (path: string) => string,
): void {
  const keyFile = told(guestKey.file);
  process.stdout.write(`ready ${url}\n`);
  if (advisoriesWarning !== undefined) process.stderr.write(`warning: ${advisoriesWarning}\n`);
  if (newParameterKeys !== undefined) {
    const why = 'without it they can’t be read again, so keep a copy elsewhere';
    process.stderr.write(`Parameters are encrypted with the key in ${told(newParameterKeys)}: ${why}.\n`);
  }
  if (guestKey.key === undefined) return;
  process.stderr.write(
    [
      `Ward created the namespace guest; its key is in ${keyFile}.`,
      // A service manager or a CI job can store this stream, and others can read it.
      ...(process.stderr.isTTY ? ['', `  ${guestKey.key}`] : []),
      '',
      'Next, in another shell:',
      '',
      // The command finds both itself when they are at the usual place.
      ...(url === usualUrl && keyFile === usualKeyFile
        ? []
        : [`  export WARD_APIHOST=${url} WARD_AUTH=$(cat ${keyFile})`]),
      '  ward action create hello examples/hello.js',
      '  ward action invoke hello --param name World --result',
      '',
    ].join('\n'),
  );
}
