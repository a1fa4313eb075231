/** What `ward up` prints when it serves. */
import { defaultDataDir, defaultListen } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import type { Platform } from '../platform/platform.ts';

const usualUrl = `http://${defaultListen}`;
const usualKeyFile = dataPaths(defaultDataDir).guestKey;

/** Prints where Ward serves. The line `ready` is for programs; the rest shows the user the next commands. */
export function greet(
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
