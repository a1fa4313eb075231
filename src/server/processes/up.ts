/** `ward up` without privileges: the platform, until a signal. */
import { flushCompileCache } from 'node:module';
import { keeperDescriptor, openLink } from '../../keeper/index.ts';
import { createLog, type Log } from '../../lib/index.ts';
import { type Config, defaultDataDir, defaultListen } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import type { DataPart } from '../instance/missing-parts.ts';
import { type Platform, startPlatform } from '../platform/platform.ts';
import { keptGround } from '../platform/platform-ground.ts';
import type { GivenKeys, Secrets } from '../secrets/secrets.ts';

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

/** A signal that a terminal or a service manager sends to every process arrives several times within this time. */
const echoMs = 500;

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
  const stopped = Promise.withResolvers<void>();
  let firstSignalAt: number | undefined;
  const onSignal = () => {
    firstSignalAt ??= performance.now();
    if (performance.now() - firstSignalAt > echoMs) process.kill(process.pid, 'SIGKILL');
    stopped.resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // New connections wait in the socket for the next server.
  let leaves = listener?.isKept === true;
  process.on('SIGUSR2', () => {
    leaves = true;
    stopped.resolve();
  });
  let exitCode = 0;
  // After an unforeseen error the state is unknown: running calls end, and the service manager restarts Ward.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'unhandled error: Ward stops');
    exitCode = 1;
    stopped.resolve();
  });
  const rooms = { role: 'all', ground: keptGround(link, config) } as const;
  const platform = stack.use(
    await startPlatform(config, log, secrets, rooms, {
      ...{ acceptMissing, acceptMixed },
      ...(listener === undefined ? {} : { listener: listenerDescriptor }),
    }),
  );
  link.onNews = (news) => platform.renewKeys(news as GivenKeys);
  if (refused.length > 0)
    log.info(
      { refused },
      'a busy machine can delay the platform, since the host refuses these kinds of precedence',
    );
  // So the server after a killed one has less to compile.
  flushCompileCache();
  greet(platform, (path) => path.replace(config.dataDir, dataDir));
  await stopped.promise;
  log.info('stopping');
  endInTime(log, platform);
  if (leaves) await platform.leave();
  return exitCode;
}

/** Running calls get ten seconds, their last records five; the rest is quick. */
const stopMs = 25_000;

/** Ends whatever it waits for: the keeper removes leftovers, and unrecorded calls count as interrupted. */
function endInTime(log: Log, { waitsFor }: Platform): void {
  setTimeout(() => {
    log.error(
      { waitsFor: waitsFor(), open: process.getActiveResourcesInfo() },
      `not stopped after ${stopMs / 1000} seconds: Ward ends now`,
    );
    process.exit(1);
  }, stopMs).unref();
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
