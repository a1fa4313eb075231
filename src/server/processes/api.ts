/**
 * `ward up --role api`: serves the API of a cluster in one process, as an ordinary user. Actions run on other nodes,
 * so it needs no keeper, no sandbox and no capability.
 */
import { createLog } from '../../lib/index.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { startPlatform } from '../platform/platform.ts';
import { readSecrets } from '../secrets/secrets.ts';
import { greet } from './greeting.ts';
import { untilSignal } from './until-signal.ts';
import type { UpOptions } from './up.ts';

/** Resolves to the exit code after everything is closed. @throws Fault CONFIG_INVALID, ROLE_REFUSED, and those of `startPlatform` */
export async function serveApi(options: UpOptions): Promise<number> {
  const config = await loadConfig(options);
  refuseRoot();
  requireBus(config);
  if (options.takeOver === true)
    throw refused('--take-over does not work with --role api', 'leave one of them out');
  const log = createLog(config.logLevel);
  const secrets = await readSecrets(config);
  const { acceptMissing = [], acceptMixed = false } = options;
  return await untilSignal({
    log,
    leaves: false,
    start: () => startPlatform(config, log, secrets, { role: 'api' }, { acceptMissing, acceptMixed }),
    onStarted: (platform) => greet(platform, (path) => path),
  });
}

/** It reads what strangers send, so it must not have rights that it does not need. */
function refuseRoot(): void {
  if (process.geteuid?.() !== 0) return;
  const command = 'setpriv --reuid=ward --regid=ward --clear-groups ward up --role api';
  throw refused('ward up --role api does not run as root', `start it as an ordinary user: ${command}`);
}

/** The settings refuse a bus without a shared database and shared blobs. */
function requireBus({ bus }: Config): void {
  if (bus === undefined)
    throw refused(
      'ward up --role api needs the setting bus: its actions run on other nodes',
      'see docs/cluster.md',
    );
}

function refused(message: string, hint: string) {
  return serverFault('ROLE_REFUSED', message, { hint });
}
