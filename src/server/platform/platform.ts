/**
 * Puts the rooms together, in the order in which they stand on each other, and takes them apart in reverse.
 * What fails half-way closes what was opened.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { type ApiOptions, createApi, sandboxEntrance } from '../../api/index.ts';
import { openBlobStore, removeHalfWrittenBlobs, writeFileAtomically } from '../../blobs/index.ts';
import { createAdmissionControl } from '../../dispatch/index.ts';
import {
  codeGraceMs,
  createCodeSweep,
  createFunctions,
  createRetention,
  createVault,
  type DiskAdmission,
  type Functions,
  loadPermission,
  measureCode,
} from '../../functions/index.ts';
import type { GateEvent } from '../../gate/index.ts';
import { type ImageStore, openImageStore, type RuntimeKind, runtimeKinds } from '../../images/index.ts';
import { type ApiConnection, createInvoker } from '../../invoker/index.ts';
import type { Log } from '../../lib/index.ts';
import { operatorPolicy, type ViolationSink } from '../../sandbox/index.ts';
import { openStore } from '../../store/index.ts';
import { startAdvisoryUpdates } from '../advisories/updates.ts';
import { refuseUnfinishedRestore } from '../backup/restore.ts';
import { buildInfo } from '../build-info.ts';
import { type Config, withoutUndefined } from '../config/config.ts';
import { kindBehind, runtimesWithAliases } from '../config/kind-aliases.ts';
import { systemLimits } from '../config/limits.ts';
import { serverFault } from '../faults.ts';
import { ensureGuest } from '../first-namespace.ts';
import { type GuardedImagesOptions, openGuardedImages } from '../gate/guarded-images.ts';
import { securityEvents } from '../gate/security-events.ts';
import { checkFolderId } from '../instance/folder-id.ts';
import { dataPaths, lockDataDir } from '../instance/instance.ts';
import { type DataPart, refuseMissingDatabase, refuseMissingParts } from '../instance/missing-parts.ts';
import { closeConnections, leaveListener, listen } from '../listener/listen.ts';
import type { GivenKeys, Secrets } from '../secrets/secrets.ts';
import { openVaultKeys } from '../secrets/vault-keys.ts';
import { startDamageWatch } from './damage-watch.ts';
import { openDiskReserve } from './disk-reserve.ts';
import { memoryPlan, ownLimit, scanBytes } from './memory-plan.ts';
import { startMemoryWatch, withMemory } from './memory-watch.ts';
import { createFigures } from './metrics/figures.ts';
import { observedAdmission, observedDispatcher, observedGate } from './metrics/observed.ts';
import type { PlatformGround } from './platform-ground.ts';
import { admitRecord, logRecording, readiness } from './record-keeping.ts';
import { createSecurityTrigger } from './security-trigger.ts';
import { ensureSystemNamespace } from './system-namespace.ts';
import { createViolationWatch } from './violation-watch.ts';

export interface Platform extends AsyncDisposable {
  readonly url: string;
  /** The file with the first namespace's key; the key itself only when it was made just now. */
  readonly guestKey: { readonly file: string; readonly key: string | undefined };
  /** The file with the keys that encrypt parameters, when it was made just now. */
  readonly newParameterKeys: string | undefined;
  /** Takes a later state of the operator's keys. @throws Fault PARAMETER_KEYS_INVALID, and keeps those that it has */
  renewKeys(given: GivenKeys): void;
  /** The problem with the advisories, and what to do about it. */
  readonly advisoriesWarning: string | undefined;
  /** Stops accepting connections, for another process does. Call before it is disposed of. */
  leave(): Promise<void>;
  /** While it is being disposed of. */
  waitsFor(): string;
}

interface PlatformOptions extends Pick<ApiOptions, 'onRoute'> {
  /** Parts of a data folder that was in use which may be made anew. */
  readonly acceptMissing?: readonly DataPart[];
  /** Databases of other data folders become this one's. */
  readonly acceptMixed?: boolean;
  /** Descriptor of a socket that listens at `config.listen` already. */
  readonly listener?: number;
  /** Undefined: reads them by itself. */
  readonly secrets?: Secrets;
}

/** What rooms below tell rooms above. */
interface Events {
  gateChanged: (event: GateEvent) => void;
  sandboxViolated: ViolationSink;
  fireSecurity: ReturnType<typeof createSecurityTrigger>;
  apiConnected: (connection: ApiConnection) => void;
  registryQuota: NonNullable<GuardedImagesOptions['registryQuota']>;
}

/** How long running activations get to end when Ward stops. */
const drainMs = 10_000;

/** @throws Fault DATA_DIR_INVALID, DATA_DIR_BUSY, DATA_DIR_INCOMPLETE, DATA_DIR_MIXED, RESTORE_UNFINISHED, LISTEN_FAILED, and those of the rooms */
export async function startPlatform(
  config: Config,
  log: Log,
  secrets: Secrets,
  ground: PlatformGround,
  { onRoute, acceptMissing = [], acceptMixed = false, listener }: PlatformOptions = {},
): Promise<Platform> {
  await using stack = new AsyncDisposableStack();
  let waitsFor = 'nothing';
  /** Its closing is next. */
  const opened = (what: string) =>
    stack.defer(() => {
      waitsFor = what;
    });
  stack.use(ground);
  const paths = dataPaths(config.dataDir);
  stack.use(lockDataDir(config.dataDir));
  refuseUnfinishedRestore(paths);
  const disk = stack.use(await openDiskReserve({ file: paths.reserve, ...config.disk, log }));
  refuseMissingDatabase(config.dataDir, acceptMissing, log);
  const folderId = checkFolderId(config.dataDir, acceptMixed, log);
  const group = ownLimit();
  const { databaseCacheKiB, shortBytes, scanIdleMs } = memoryPlan(group);
  const memory = stack.use(startMemoryWatch({ group, shortBytes, soonBytes: scanBytes, log }));
  const store = stack.use(
    await openStore({
      path: paths.database,
      cacheKiB: databaseCacheKiB,
      onRecording: logRecording(log),
    }),
  );
  opened('the database');
  // Sandboxes violate, and tell, up to their end.
  const unfinished = new Set<Promise<void>>();
  stack.defer(async () => void (await Promise.all(unfinished)));
  opened('firings of the security trigger');
  const hasOwnKeys = secrets.parameterKeys === undefined;
  await refuseMissingParts({ dataDir: config.dataDir, hasOwnKeys }, store, acceptMissing, log);
  folderId.unmark();
  const operator = operatorPolicy(config.sandbox);
  const figures = createFigures(buildInfo.buildno);
  // Those who hear of it stand on top of those who tell it.
  const events: Events = {
    gateChanged: () => {},
    sandboxViolated: () => {},
    fireSecurity: () => {},
    apiConnected: ({ socket }) => socket.destroy(),
    registryQuota: () => 0,
  };
  ground.tell((...violation) => events.sandboxViolated(...violation));
  const { host, mounter, mountsDir } = ground;
  const images = stack.use(await openImageStore({ dir: config.imagesDir, mounter, mountsDir }));
  // The first one is what plain `default` means.
  const kinds = runtimeKinds().toSorted((a, b) => Number(b.default) - Number(a.default));
  const runtimes = runtimesWithAliases(kinds, config.kindAliases);
  await checkImages(images, kinds, config.imagesDir);
  // Function code is its owner's: what a sandbox sees of it lies elsewhere, under names that can't be guessed.
  await mkdir(paths.code, { recursive: true, mode: 0o700 });
  await chmod(paths.code, 0o700);
  await removeHalfWrittenBlobs(paths.code);
  const blobs = openBlobStore(paths.code);
  await measureCode(store.holdings, blobs);
  const limits = systemLimits(config);
  let url = '';
  // What Ward itself writes at its start is let through.
  const admission: DiskAdmission = {
    admitWrite: (bytes) => url !== '' && disk.admitWrite(bytes),
    admitCall: (isAccepted) => {
      disk.admitCall();
      admitRecord(store.recording, config.records.whenUnable, isAccepted);
      memory.admit();
    },
  };
  const apiHost = () => config.apiHost ?? url;
  const guarded = stack.use(
    await openGuardedImages({
      dataDir: config.dataDir,
      images,
      imagesDir: config.imagesDir,
      apiHost,
      publicUrl: () => config.apiHost,
      onChange: (event) => events.gateChanged(event),
      registryQuota: (namespace) => events.registryQuota(namespace),
      admitWrite: disk.admitWrite,
      startScan: ground.startScan && withMemory(ground.startScan, memory),
      scanIdleMs,
      databaseCacheKiB,
      log,
    }),
  );
  opened('scans, and what the gate writes');
  await folderId.mark();
  figures.watchAdvisories(guarded.advisories);
  figures.watchDisk(disk.status);
  figures.watchLeftBehind(ground.leftBehind);
  figures.watchRecording(store.recording);
  const onViolation = createViolationWatch({
    store,
    figures,
    config: config.security,
    log,
    fire: (...event) => events.fireSecurity(...event),
  });
  const invoker = stack.use(
    await createInvoker({
      ...config.invoker,
      resultBytes: limits.resultBytes,
      prewarm: config.invoker.prewarm.map((each) => ({
        ...each,
        kind: kindBehind(each.kind, config.kindAliases),
      })),
      host,
      images: guarded.images,
      blobs,
      codePlaces: await ground.codePlaces(),
      operator,
      kinds,
      apiHost,
      onApiConnection: (connection) => events.apiConnected(connection),
      isMemoryShort: memory.isShort,
      log,
      onViolation,
      mayLoad: (target) => loadPermission(guarded.codeGate, target),
    }),
  );
  opened('sandboxes');
  events.sandboxViolated = invoker.violated;
  const keyring = await openVaultKeys(config, secrets.parameterKeys, true);
  const functions = createFunctions({
    store,
    blobs,
    admission: observedAdmission(createAdmissionControl(), figures),
    dispatcher: observedDispatcher(invoker, figures),
    vault: createVault(keyring.keys),
    // By the lock of the data folder.
    isAlone: true,
    gate: observedGate(guarded.codeGate, figures),
    apiHost,
    log,
    limits,
    runtimes,
    feedLimits: withoutUndefined(config.feeds),
    registryBytes: guarded.registryBytes,
    watchRecords: figures.records,
    onClockJump: figures.clockSet,
    disk: admission,
  });
  events.registryQuota = async (namespace) =>
    (await functions.namespaces.identityOf(namespace))?.limits.registryQuotaBytes;
  await ensureSystemNamespace({ functions, store: store.namespaces, builtins: functions.builtins });
  events.fireSecurity = createSecurityTrigger(functions, unfinished, log);
  events.gateChanged = securityEvents(events.fireSecurity, log);
  const key = await ensureGuest(functions.namespaces, paths.guestKey);
  const { trustedProxies = [], ...web } = withoutUndefined(config.web);
  const api = createApi({
    functions,
    build: buildInfo,
    log,
    web,
    trustedProxies,
    memory: shortBytes === undefined ? undefined : memory,
    reports: guarded.reports,
    metrics: { contentType: figures.contentType, text: figures.text, token: secrets.metricsToken },
    readiness: () => readiness(store.recording, disk.status(), config.records),
    accessLog: config.accessLog,
    onRoute,
    plugins: [guarded.registry(functions)],
  });
  stack.defer(() => closeConnections(api));
  opened('connections');
  // First of all: new calls are refused, running ones end, and only then are connections closed.
  stack.defer(() => functions.close(drainMs));
  opened('calls under way, and their records');
  url = await listen(api, config.listen, listener);
  events.apiConnected = sandboxEntrance(api, functions);
  await writeFileAtomically(paths.address, `${url}\n`);
  const sweepCode = createCodeSweep({
    ...{ ...store, blobs, drop: functions.code.drop },
    graceMs: codeGraceMs,
  });
  const sweep = async () => {
    await functions.quotas.enforce();
    await guarded.sweep(functions);
    return sweepCode();
  };
  const retention = stack.use(createRetention({ store, config: config.retention, sweepCode: sweep, log }));
  stack.use(startAdvisoryUpdates({ config, log }));
  figures.watchDamage(stack.use(startDamageWatch(config, log)).damaged);
  opened('the retention of records and the update of advisories');
  // After that: what was accepted may still need code that no action names any more.
  void resume(functions, log).then(() => retention.start());
  const platform = stack.move();
  return {
    url,
    guestKey: { file: paths.guestKey, key },
    newParameterKeys: keyring.isNew ? keyring.file : undefined,
    renewKeys: keyring.renew,
    advisoriesWarning: guarded.advisories().warning,
    leave: () => leaveListener(api),
    waitsFor: () => waitsFor,
    [Symbol.asyncDispose]: () => platform.disposeAsync(),
  };
}

async function checkImages(images: ImageStore, kinds: readonly RuntimeKind[], dir: string): Promise<void> {
  const names = new Set((await images.list()).map(({ name }) => name));
  const missing = kinds.filter(({ image }) => !names.has(image)).map(({ image }) => image);
  if (missing.length === 0) return;
  throw serverFault('IMAGES_MISSING', `the runtime images ${missing.join(', ')} are not in ${dir}`, {
    hint: 'build them with: node scripts/setup.mjs',
  });
}

async function resume(functions: Functions, log: Log): Promise<void> {
  try {
    await functions.start();
  } catch (error) {
    log.error({ err: error }, 'could not resume accepted invocations');
  }
}
