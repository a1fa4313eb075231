/**
 * The whole platform as a process of its own, as `ward up` starts it, that also reports its routes and its memory: a
 * line of JSON when it is ready, and one for each line that it receives. Ends at SIGTERM.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeAuthority } from '../../src/cluster/index.ts';
import { createLog } from '../../src/lib/index.ts';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { loadConfig } from '../../src/server/config/config.ts';
import { startPlatform } from '../../src/server/platform/platform.ts';
import { ownGround } from '../../src/server/platform/platform-ground.ts';
import { readSecrets } from '../../src/server/secrets/secrets.ts';

const [dataDir = '', configFile = ''] = process.argv.slice(2);
process.umask(0o022);
if (!isIsolated()) enterIsolation([process.execPath, fileURLToPath(import.meta.url), dataDir, configFile]);

const config = await loadConfig({ listen: '127.0.0.1:0', dataDir, configFile });
const log = createLog(config.logLevel);
// With an authority, the server has the routes of a cluster too.
await makeAuthority(join(dataDir, 'cluster'));
const routes: object[] = [];
const stopped = Promise.withResolvers<void>();
process.on('SIGTERM', () => stopped.resolve());
await using platform = await startPlatform(
  config,
  log,
  await readSecrets(config),
  { role: 'all', ground: await ownGround(config, log) },
  {
    onRoute: (route) => routes.push(route),
  },
);
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
say({ url: platform.url, routes });
const lines = createInterface({ input: process.stdin }).on('line', () =>
  say({ peakMiB: Math.round(process.resourceUsage().maxRSS / 1024) }),
);
await stopped.promise;
lines.close();
