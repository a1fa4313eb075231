/**
 * `ward up` as root: the keeper, until the server has ended. It does the privileged work, starts the server without
 * privileges, and passes signals on. It listens on no network, except for the moment in which it checks that the
 * address is free, and reads only the server's requests.
 */
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { layersDirOf, openRootMounter } from '../../images/index.ts';
import { keep, openKeptCode, openStreamDoor, sayLine } from '../../keeper/index.ts';
import { createLog, type Log, scanId } from '../../lib/index.ts';
import { operatorPolicy, usualMemoryMiB, type ViolationSink } from '../../sandbox/index.ts';
import { removeAbandonedBackup } from '../backup/lock.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { type ServerAccount, serverAccount } from '../instance/account.ts';
import { helloOf, openGround } from '../instance/ground.ts';
import { openHiddenPlaces } from '../instance/hidden-places.ts';
import { dataPaths } from '../instance/instance.ts';
import { runDir } from '../instance/instance-locks.ts';
import { openShownPaths, type ShownPaths } from '../instance/shown-paths.ts';
import { inheritedListener } from '../listener/inherited-listener.ts';
import { probeAddress } from '../listener/listen.ts';
import { noSecrets, readSecrets, watchGivenKeys } from '../secrets/secrets.ts';
import { givenTls } from '../tls/key-pair.ts';
import { watchKeyPairs } from '../tls/watch-key-pair.ts';
import type { HalfEnd } from './half-process.ts';
import { handOverAll } from './hand-over.ts';
import { joinRequestOf, refuseTakeOver } from './join-options.ts';
import { startServer } from './server-process.ts';
import type { ServerNews, ServerTask, UpOptions } from './up.ts';

const mebibyte = 1024 * 1024;
/** Each program that runs at the end uses ten descriptors for a moment. */
const spareDescriptors = 40;
/** Loaded at the first scan: the smaller this process is, the faster it starts others. */
const loadScanner = () => import('../../scanner/index.ts');

/** Resolves to the server's exit code after everything is removed, or ends by the same signal. */
export async function keepHere(options: UpOptions): Promise<number> {
  const { code, signal } = await keepServer(options);
  if (signal !== null) process.kill(process.pid, signal);
  return code ?? 1;
}

async function keepServer(options: UpOptions): Promise<HalfEnd> {
  const given = await loadConfig(options);
  const log = createLog(given.logLevel);
  const request = joinRequestOf(options);
  const isInvoker = options.role === 'invoker';
  if (isInvoker) refuseTakeOver(options, 'invoker');
  const inherited = isInvoker ? undefined : inheritedListener();
  if (!isInvoker && inherited === undefined) await probeAddress(given.listen);
  const secrets = isInvoker ? noSecrets : await readSecrets(given);
  const tls = await givenTls(isInvoker ? { tls: undefined } : given);
  // A Ward that is taken over still has the port.
  if (given.tls?.redirect !== undefined && !isInvoker && inherited?.isKept !== false)
    await probeAddress(given.tls.redirect);
  const account = await serverAccount();
  const operator = operatorPolicy(given.sandbox);
  // Every step that could fail has succeeded: from here on the old Ward ends.
  inherited?.tellOld();
  await using stack = new AsyncDisposableStack();
  let onViolation: ViolationSink = () => {};
  let onLeftBehind = (_count: number): void => {};
  const spare = stack.use(holdDescriptors(spareDescriptors));
  const ground = stack.use(
    await openGround(given, {
      operator,
      userId: account.uid,
      ...(inherited?.isKept === false ? { leaverDrainMs: given.stop.drainMs } : {}),
      onViolation: (...violation) => onViolation(...violation),
      onLeftBehind: (count) => onLeftBehind(count),
      log,
    }),
  );
  const config = { ...given, dataDir: ground.dataDir, listen: inherited?.address ?? given.listen };
  await prepareFolders(config, account, log);
  const shown = stack.use(openShownPaths(ground.instance));
  const seen = await seenBy(shown, config);
  const ownDir = join(runDir, ground.instance);
  const door = stack.use(await openStreamDoor(join(ownDir, 'keeper'), account.uid));
  const places = stack.use(await openHiddenPlaces(ground.instance, dataPaths(config.dataDir).laidCode));
  const code = await openKeptCode(places.laidCode, account.uid);
  const layersDir = layersDirOf(seen.imagesDir);
  const { acceptMissing = [], acceptMixed = false } = options;
  const task: ServerTask = {
    config: seen,
    dataDir: config.dataDir,
    secrets,
    tls,
    acceptMissing,
    acceptMixed,
    refused: ground.refused,
    ...{ role: isInvoker ? 'invoker' : 'all', join: request },
    listener: inherited && { isKept: inherited.isKept },
  };
  const descriptors = inherited === undefined ? [] : [inherited.descriptor];
  // The server checks the rest of the limits. What they belong to is not loaded here.
  const mostMemoryMiB = config.limits.memoryMiB?.max ?? usualMemoryMiB.max;
  const server = stack.use(await startServer({ config: seen, account, ground, ownDir, shown, descriptors }));
  inherited?.release();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, spare.release);
  const keeper = stack.use(
    keep({
      ...{ channel: server.channel, host: ground.host, operator, layersDir, code, door, log },
      memoryBytes: Math.max(operator.ceiling.memoryBytes, mostMemoryMiB * mebibyte),
      mounter: openRootMounter({ layersDir, mountsDir: places.roots, folders: [] }),
      userId: account.uid,
      scanCommand: async () => (await loadScanner()).scanCommand({ uid: scanId, gid: account.gid }),
    }),
  );
  onViolation = keeper.onViolation;
  onLeftBehind = keeper.onLeftBehind;
  let isFaulty = false;
  // The server first ends running calls, as for a signal from outside.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'unhandled error: Ward stops');
    isFaulty = true;
    process.kill(process.pid, 'SIGTERM');
  });
  const tell = (news: ServerNews) => keeper.tell(news);
  using _watch = secrets.parameterKeys && watchGivenKeys(secrets.parameterKeys, (keys) => tell({ keys }));
  using _look =
    given.tls && watchKeyPairs(given.tls.files, tls.pairs, { log, onChange: (pairs) => tell({ pairs }) });
  sayLine(
    server.channel,
    helloOf(ground, { layersDir, mountsDir: places.roots, task, door, codeWorkDir: code.workDir }),
  );
  flushCompileCache();
  const end = await server.ended;
  spare.release();
  return isFaulty ? { code: 1, signal: null } : end;
}

/**
 * Reserves descriptors for the programs that remove sandboxes and mounts at the end, even if the limit is reached
 * before.
 */
function holdDescriptors(count: number): Disposable & { release(): void } {
  const held = Array.from({ length: count }, () => openSync('/dev/null', 'r'));
  const release = () => {
    for (const descriptor of held.splice(0)) closeSync(descriptor);
  };
  return { release, [Symbol.dispose]: release };
}

/** Creates folders that the server will own; root adds its own places in them later. */
async function prepareFolders(config: Config, account: ServerAccount, log: Log): Promise<void> {
  await mkdir(config.imagesDir, { recursive: true });
  removeAbandonedBackup(dataPaths(config.dataDir));
  handOverAll(config, account, log);
}

/** Replaces paths by those on which the server reaches the files. */
async function seenBy({ show }: ShownPaths, config: Config): Promise<Config> {
  return {
    ...config,
    dataDir: await show(config.dataDir, 'data', 'rw'),
    imagesDir: await show(config.imagesDir, 'images', 'rw'),
  };
}
