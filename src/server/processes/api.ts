/**
 * `ward up --role api`: serves the API of a cluster in one process, as an ordinary user. Actions run on other nodes,
 * so it needs no keeper, no sandbox and no capability.
 */
import { createLog } from '../../lib/index.ts';
import { loadConfig } from '../config/config.ts';
import { startPlatform } from '../platform/platform.ts';
import { readSecrets, watchGivenKeys } from '../secrets/secrets.ts';
import { givenTls } from '../tls/key-pair.ts';
import { watchKeyPairs } from '../tls/watch-key-pair.ts';
import { greet } from './greeting.ts';
import { joinRequestOf, refuseTakeOver, roleRefused } from './join-options.ts';
import { untilSignal } from './until-signal.ts';
import type { UpOptions } from './up.ts';

/** Resolves to the exit code after everything is closed. @throws Fault CONFIG_INVALID, ROLE_REFUSED, and those of `startPlatform` */
export async function serveApi(options: UpOptions): Promise<number> {
  const config = await loadConfig(options);
  refuseRoot();
  const join = joinRequestOf(options);
  if (config.bus === undefined && join === undefined) throw withoutBus();
  refuseTakeOver(options, 'api');
  const log = createLog(config.logLevel);
  const secrets = await readSecrets(config);
  const tls = await givenTls(config);
  const { acceptMissing = [], acceptMixed = false } = options;
  return await untilSignal({
    ...{ log, drainMs: config.stop.drainMs, leaves: false },
    async start() {
      const more = { acceptMissing, acceptMixed, join, tls };
      const platform = await startPlatform(config, log, secrets, { role: 'api' }, more);
      if (config.tls)
        watchKeyPairs(config.tls.files, tls.pairs, { log, onChange: platform.renewCertificates });
      if (secrets.parameterKeys) watchGivenKeys(secrets.parameterKeys, platform.renewKeys);
      return platform;
    },
    onStarted: (platform) => greet(platform, (path) => path),
  });
}

/** It reads what strangers send, so it must not have rights that it does not need. */
function refuseRoot(): void {
  if (process.geteuid?.() !== 0) return;
  const command = 'setpriv --reuid=ward --regid=ward --clear-groups ward up --role api';
  throw roleRefused('ward up --role api does not run as root', `start it as an ordinary user: ${command}`);
}

function withoutBus() {
  const why =
    'ward up --role api needs the setting bus, or a cluster to join: its actions run on other nodes';
  return roleRefused(why, 'set bus:, or name an API node with --join; see docs/cluster.md');
}
