/** `ward up`: the platform, from here until a signal. */
import { createLog } from '../lib/index.ts';
import { defaultDataDir, defaultListen, loadConfig } from './config.ts';
import { dataPaths } from './instance.ts';
import type { DataPart } from './missing-parts.ts';
import { type Platform, startPlatform } from './platform.ts';
import { readSecrets, watchGivenKeys } from './secrets.ts';

export interface UpOptions {
  readonly listen?: string;
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly accessLog?: boolean;
  readonly acceptMissing?: readonly DataPart[];
}

/** What a terminal or a service manager sends to every process arrives several times within this: passed on by each. */
const echoMs = 500;

/** Resolves to the exit code once everything is closed. A second signal ends it at once. */
export async function upHere(options: UpOptions): Promise<number> {
  const config = await loadConfig(options);
  const secrets = await readSecrets(config);
  const log = createLog(config.logLevel);
  const stopped = Promise.withResolvers<void>();
  let firstSignalAt: number | undefined;
  const onSignal = () => {
    firstSignalAt ??= performance.now();
    if (performance.now() - firstSignalAt > echoMs) process.kill(process.pid, 'SIGKILL');
    stopped.resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const { acceptMissing = [] } = options;
  await using platform = await startPlatform(config, log, { acceptMissing, secrets });
  using _watch = secrets.parameterKeys && watchGivenKeys(secrets.parameterKeys, platform.renewKeys);
  greet(platform);
  await stopped.promise;
  log.info('stopping');
  return 0;
}

const usualUrl = `http://${defaultListen}`;
const usualKeyFile = dataPaths(defaultDataDir).guestKey;

/** The line `ready` is for programs; the rest tells a person what to type next. */
function greet({ url, guestKey, newParameterKeys, advisoriesWarning }: Platform): void {
  process.stdout.write(`ready ${url}\n`);
  if (advisoriesWarning !== undefined) process.stderr.write(`warning: ${advisoriesWarning}\n`);
  if (newParameterKeys !== undefined) {
    const why = 'without it they can not be read again, so keep a copy elsewhere';
    process.stderr.write(`Parameters are encrypted with the key in ${newParameterKeys}: ${why}.\n`);
  }
  if (guestKey.key === undefined) return;
  process.stderr.write(
    [
      `The namespace guest was made; its key is in ${guestKey.file}.`,
      // A service manager or a CI job may keep this stream, and others read it.
      ...(process.stderr.isTTY ? ['', `  ${guestKey.key}`] : []),
      '',
      'Next, in another shell:',
      '',
      // At the usual place the command finds both by itself.
      ...(url === usualUrl && guestKey.file === usualKeyFile
        ? []
        : [`  export WARD_APIHOST=${url} WARD_AUTH=$(cat ${guestKey.file})`]),
      '  ward action create hello examples/hello.js',
      '  ward action invoke hello --param name World --result',
      '',
    ].join('\n'),
  );
}
