/**
 * A platform without sandboxes, as a process of its own: `node api-role.fixture.ts DATA_DIR`. Uses the database of
 * `WARD_STORE` and the keys of `WARD_PARAMETER_KEYS`, if they are set. Its dispatcher returns the parameters of each call. Prints its URL when it serves; ends with its input.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { silentLog } from '../../lib/index.ts';
import { loadConfig } from '../config/config.ts';
import { readSecrets } from '../secrets/secrets.ts';
import { echoDispatcher } from './echo-dispatcher.fixture.ts';
import { startPlatform } from './platform.ts';

const [dataDir = ''] = process.argv.slice(2);
const { WARD_STORE, WARD_PARAMETER_KEYS } = process.env;
const env = {
  WARD_IMAGES: join(dataDir, 'none'),
  ...(WARD_STORE === undefined ? {} : { WARD_STORE }),
  ...(WARD_PARAMETER_KEYS === undefined ? {} : { WARD_PARAMETER_KEYS }),
};
const config = await loadConfig({ listen: '127.0.0.1:0', dataDir }, env);
const secrets = await readSecrets(config, env);
await using platform = await startPlatform(config, silentLog, secrets, {
  role: 'api',
  dispatcher: echoDispatcher,
});
process.stdout.write(`${platform.url}\n`);
await once(process.stdin.resume(), 'end');
