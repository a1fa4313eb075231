/** Runs a service until a signal ends it, and closes it in time. */
import { flushCompileCache } from 'node:module';
import type { Fault, Log } from '../../lib/index.ts';

export interface Service extends AsyncDisposable {
  /** Resolves when the service can't go on. */
  readonly failed?: Promise<Fault> | undefined;
  /** Names what the service waits for during its disposal. */
  waitsFor(): string;
  /** Stops accepting connections, because another process does. */
  leave?(): Promise<void>;
}

export interface UntilSignalOptions<Served extends Service> {
  readonly log: Log;
  /** How long running calls may take after the signal. */
  readonly drainMs: number;
  /** Another process accepts connections after this one, so it leaves them in the socket. */
  readonly leaves: boolean;
  readonly start: () => Promise<Served>;
  readonly onStarted: (service: Served) => void;
}

/** A signal that a terminal or a service manager sends to every process arrives several times within this time. */
const echoMs = 500;

/** The time for the rest of a stop, when no call runs any more: the last records get five seconds. */
export const closeMs = 15_000;

/** Resolves to the exit code when the service is closed. A second signal ends the process at once. */
export async function untilSignal<Served extends Service>(
  options: UntilSignalOptions<Served>,
): Promise<number> {
  const { log } = options;
  await using stack = new AsyncDisposableStack();
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
  let { leaves } = options;
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
  const service = stack.use(await options.start());
  // So the server after a killed one has less to compile.
  flushCompileCache();
  options.onStarted(service);
  void service.failed?.then(({ code, message, hint }) => {
    log.fatal({ code, reason: message, hint }, 'this node can’t go on: Ward stops');
    exitCode = 1;
    stopped.resolve();
  });
  await stopped.promise;
  log.info('stopping');
  endInTime(log, service, options.drainMs + closeMs);
  if (leaves) await service.leave?.();
  return exitCode;
}

/** Ends the process even while it waits: the keeper removes leftovers, and unrecorded calls count as interrupted. */
function endInTime(log: Log, { waitsFor }: Service, stopMs: number): void {
  setTimeout(() => {
    log.error(
      { waitsFor: waitsFor(), open: process.getActiveResourcesInfo() },
      `not stopped after ${stopMs / 1000} seconds: Ward ends now`,
    );
    process.exit(1);
  }, stopMs).unref();
}
