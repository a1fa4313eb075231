/**
 * Composes the rooms from the lowest to the highest, and closes them in reverse. After a failure half-way, it closes
 * what was opened.
 */
import {
  type ApiOptions,
  closeSandboxWays,
  createApi,
  loadTls,
  sandboxEntrance,
  tlsFrontOf,
} from '../../api/index.ts';
import { type BlobStore, writeFileAtomically } from '../../blobs/index.ts';
import { consolePages } from '../../dashboard/index.ts';
import type { Dispatcher } from '../../dispatch/index.ts';
import { parseSyslogServer } from '../../forwarding/index.ts';
import { createVault, type Functions, type VaultKeySource } from '../../functions/index.ts';
import type { AuditQuery } from '../../gate/index.ts';
import type { ImageStore } from '../../images/index.ts';
import type { Fault, Log } from '../../lib/index.ts';
import type { StartProgram } from '../../scanner/index.ts';
import { keepLease } from '../../store/index.ts';
import type { Acme } from '../acme/acme.ts';
import { startAuditRetention } from '../audit/retention.ts';
import { startSealing } from '../audit/sealing.ts';
import { startAuditSyslog } from '../audit/syslog.ts';
import { buildInfo, consoleFolder } from '../build-info.ts';
import { createNodeRoutes } from '../cluster/node-routes.ts';
import { requireSharedStores } from '../config/bus-setting.ts';
import { type Config, withoutUndefined } from '../config/config.ts';
import { prefixIn } from '../config/public-url.ts';
import type { AcmeSetting } from '../config/tls-setting.ts';
import { type GuardedImages, openGuardedImages } from '../gate/guarded-images.ts';
import type { DataPart } from '../instance/missing-parts.ts';
import { closeConnections, leaveListener, listen } from '../listener/listen.ts';
import { openRedirect } from '../listener/redirect.ts';
import type { GivenKeys, Secrets } from '../secrets/secrets.ts';
import { tokenKeysOf } from '../secrets/token-keys.ts';
import { openCertificates, shownPairs } from '../tls/certificates.ts';
import type { GivenTls, KeyPair } from '../tls/key-pair.ts';
import { openTracing } from '../tracing/tracing.ts';
import { createActionFigureList } from './action-figures.ts';
import { type JoinRequest, openClusterNode } from './cluster-node.ts';
import { type Context, createContext } from './context.ts';
import { type Dispatching, type Equipped, openDispatching } from './dispatching.ts';
import { openDomain } from './domain.ts';
import { createExplainer } from './explain-action.ts';
import { type Foundation, openCode, openFoundation } from './foundation.ts';
import { keptData } from './kept-data.ts';
import { withMemory } from './memory-watch.ts';
import { createOperatorSource } from './operator-source.ts';
import type { PlatformGround } from './platform-ground.ts';
import { readiness } from './record-keeping.ts';
import { openRuntimeImages } from './sandboxes.ts';
import { createTokenGuard } from './token-guard.ts';
import { startUpkeep } from './upkeep.ts';
import { createViolationWatch } from './violation-watch.ts';

export interface Platform extends AsyncDisposable {
  readonly url: string;
  /** The file with the first namespace's key; the key itself only if this start created it. */
  readonly guestKey: { readonly file: string; readonly key: string | undefined };
  /** The file with the keys that encrypt parameters, if this start created it. */
  readonly newParameterKeys: string | undefined;
  /** Replaces the operator's keys. @throws Fault PARAMETER_KEYS_INVALID, and then keeps the old keys */
  renewKeys(given: GivenKeys): void;
  /** New connections use the operator's new pairs; keeps the old ones when one can't be used. */
  renewCertificates(pairs: readonly KeyPair[]): void;
  /** The problem with the advisories, and what to do about it. */
  readonly advisoriesWarning: string | undefined;
  /** Resolves when another process has the name of this node. Two of them would take each other's calls. */
  readonly failed: Promise<Fault> | undefined;
  /** Stops accepting connections, because another process does. Call it before disposing of the platform. */
  leave(): Promise<void>;
  /** Names what the platform waits for during its disposal. */
  waitsFor(): string;
}

interface PlatformOptions extends Pick<ApiOptions, 'onRoute'> {
  /** Missing parts of a used data folder that Ward may create again. */
  readonly acceptMissing?: readonly DataPart[];
  /** Takes over databases of other data folders. */
  readonly acceptMixed?: boolean;
  /** Descriptor of a socket that already listens at `config.listen`. */
  readonly listener?: number;
  /** The cluster to join, for a node that does not have its authority. */
  readonly join?: JoinRequest | undefined;
  readonly tls?: GivenTls;
}

/** Which rooms run in this process. */
export type Rooms =
  | { readonly role: 'all'; readonly ground: PlatformGround }
  /** Without sandboxes: actions run elsewhere, and this process needs neither a keeper nor privileges. */
  | { readonly role: 'api'; readonly dispatcher?: Dispatcher };

/** @throws Fault DATA_DIR_INVALID, DATA_DIR_BUSY, DATA_DIR_INCOMPLETE, DATA_DIR_MIXED, DATA_DIR_OTHER_STORE, BLOBS_OTHER_STORE, RESTORE_UNFINISHED, LISTEN_FAILED, and those of the rooms */
export async function startPlatform(
  config: Config,
  log: Log,
  secrets: Secrets,
  rooms: Rooms,
  {
    onRoute,
    acceptMissing = [],
    acceptMixed = false,
    listener,
    join: request,
    tls: givenTls = { pairs: [], operatorCa: undefined },
  }: PlatformOptions = {},
): Promise<Platform> {
  requireSharedStores(config);
  await using stack = new AsyncDisposableStack();
  let waitsFor = 'nothing';
  const opened = (what: string) =>
    stack.defer(() => {
      waitsFor = what;
    });
  const ground = rooms.role === 'all' ? stack.use(rooms.ground) : undefined;
  const foundation = stack.use(await openFoundation({ config, secrets, acceptMissing, acceptMixed, log }));
  opened('the database');
  // Sandboxes report violations up to their end.
  const unfinished = new Set<Promise<void>>();
  stack.defer(async () => void (await Promise.all(unfinished)));
  opened('firings of the security trigger');
  let url = '';
  const context = createContext(config, log, () => url);
  const { events, figures } = context;
  ground?.tell((...violation) => events.sandboxViolated(...violation));
  const images = ground && stack.use(await openRuntimeImages(context, ground));
  const blobs = await openCode(foundation);
  const pushed = await foundation.sharedBlobs?.openRegistry();
  const guarded = stack.use(await openGate(context, { ...foundation, pushed }, ground?.startScan));
  opened('scans, and writes of the gate');
  await foundation.markAll();
  figures.watchAdvisories(guarded.advisories);
  figures.watchDisk(foundation.disk.status);
  if (ground !== undefined) figures.watchLeftBehind(ground.host.leftBehind);
  figures.watchRecording(foundation.store.recording);
  figures.watchQueue(foundation.store.accepted.counts);
  const audit = stack.use(openAudit({ ...foundation, guarded, config, log }));
  opened('entries of the audit log');
  const node = stack.use(await openClusterNode({ ...foundation, config, request, log }));
  requireSharedStores({ ...config, bus: node.bus?.addresses });
  const parts = { foundation, blobs, guarded };
  const dispatching = stack.use(
    await openDispatching(context, equipped(rooms, images && guarded.storeOver(images)), node.bus, {
      ...parts,
      isMemoryShort: foundation.memory.isShort,
      onApiConnection: (connection) => events.apiConnected(connection),
      onViolation: createViolationWatch(context, foundation),
    }),
  );
  opened('sandboxes');
  const { dispatcher, limitShare, tellChanged, followElsewhere, cancelElsewhere } = dispatching;
  const tracing = traceOf(context);
  if (tracing !== undefined) stack.use(tracing);
  opened('the export of traces');
  const others = { limitShare, tellChanged, followElsewhere, cancelElsewhere };
  const rest = { dispatcher, ...others, tracing, secrets, unfinished, acceptMissing };
  const domain = await openDomain(context, { ...parts, ...rest });
  const { functions, keyring, guestKey } = domain;
  const tokenKeys = tokenKeysOf(keyring.keys);
  const { service: cluster } = node;
  const nodes =
    cluster && pushed && createNodeRoutes({ service: cluster, code: blobs, registry: pushed, ...config });
  const acme =
    config.tls?.acme && stack.use(await openAcmeOf(config.tls.acme, foundation, keyring.keys, log));
  const pairSources = {
    ...(acme?.pairs() ?? { issued: [], domains: [] }),
    given: givenTls.pairs.filter((each) => each !== null),
  };
  const pairs = shownPairs(pairSources);
  const tls = pairs && {
    ...{ open: await loadTls(), identity: { pairs, clientCa: givenTls.operatorCa, proofOf: acme?.proofOf } },
    hstsSeconds: config.tls?.hstsSeconds ?? 0,
  };
  const { reach } = dispatching;
  const calling = { dispatcher, functions, reach };
  const served = { ...parts, ...calling, secrets, tokenKeys, cluster, nodes, audit, onRoute, tls };
  const api = composeApi(context, served);
  const front = tlsFrontOf(api);
  stack.defer(() => closeConnections(api, front));
  stack.defer(() => closeSandboxWays(api.server));
  opened('connections');
  // New calls are refused and running ones end; only then are connections closed.
  stack.defer(() => {
    dispatching.takeNoMore();
    return functions.close(config.stop.drainMs);
  });
  opened('running calls, and their records');
  url = await listen(api, config.listen, listener, pairs?.[0]);
  const certificates = openCertificates(pairSources, { front, log });
  figures.watchCertificate(certificates.until, acme?.report);
  const redirect = stack.use(await openRedirect({ config, url, certificates, acme, log }));
  if (acme !== undefined) {
    acme.start(certificates.renew);
    stack.use(functions.domains.watch((domains) => acme.serveDomains(domains, certificates.coversItself)));
    events.certificatePlaceOf = acme.placeOf;
  }
  events.apiConnected = sandboxEntrance(api, functions, nodes);
  await writeFileAtomically(foundation.paths.address, `${url}\n`);
  const upkeep = stack.use(startUpkeep(context, { ...parts, functions }));
  opened('the retention of records and the update of advisories');
  void functions.start().then(upkeep.startRetention);
  const platform = stack.move();
  return {
    url,
    guestKey: { file: foundation.paths.guestKey, key: guestKey },
    newParameterKeys: keyring.isNew ? keyring.file : undefined,
    renewKeys: keyring.renew,
    renewCertificates(given) {
      certificates.renew({ given });
      acme?.chooseAgain();
    },
    advisoriesWarning: guarded.advisories().warning,
    failed: dispatching.ended,
    async leave() {
      redirect.leave();
      await leaveListener(api, front);
    },
    waitsFor: () => waitsFor,
    [Symbol.asyncDispose]: () => platform.disposeAsync(),
  };
}

/** The audit log of a server: seals what waits, removes what is old, and searches it. */
function openAudit(
  parts: Pick<Foundation, 'store' | 'shared'> & Pick<Context, 'config' | 'log'> & { guarded: GuardedImages },
) {
  const { store, shared, guarded, config, log } = parts;
  const { audit: chain, unsealed } = guarded;
  const stack = new AsyncDisposableStack();
  stack.use(startAuditRetention({ chain, config: config.audit, log }));
  const server = config.audit.syslog === undefined ? undefined : parseSyslogServer(config.audit.syslog);
  const keeper =
    server && shared && stack.use(keepLease({ leases: store.leases, name: 'audit-syslog', log }));
  const isTurn = async () => keeper === undefined || (await keeper.held()) !== undefined;
  const syslog =
    server && stack.use(startAuditSyslog({ server, chain, sent: store.sentEntries, isTurn, log }));
  const onSealed = () => syslog?.look();
  const sealing = stack.use(startSealing({ sources: [store.unsealed, unsealed], chain, onSealed, log }));
  return {
    // A client sees the changes that it made before.
    search: async (query: Omit<AuditQuery, 'isNewestFirst'>) => {
      await sealing.settle();
      return chain.searchAudit({ ...query, isNewestFirst: query.after === undefined });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Undefined: the operator wants no traces. */
function traceOf({ config: { tracing, node }, log }: Context) {
  const { endpoint, ratio } = tracing;
  if (endpoint === undefined) return undefined;
  return openTracing({ endpoint, ratio, version: buildInfo.buildno, node: node.name, log });
}

/** How often a server looks for certificates that another one has got. */
const otherServersMs = 5000;

/** Loaded only when an authority issues the certificate. */
async function openAcmeOf(
  setting: AcmeSetting,
  { store, shared }: Pick<Foundation, 'store' | 'shared'>,
  keys: VaultKeySource,
  log: Log,
): Promise<Acme> {
  const { openAcme } = await import('../acme/acme.ts');
  const pollMs = shared === undefined ? undefined : otherServersMs;
  return openAcme({ setting, store, vault: createVault(keys), pollMs, log });
}

function equipped(rooms: Rooms, images: ImageStore | undefined): Equipped {
  if (rooms.role === 'api') return rooms;
  if (images === undefined) throw new TypeError('a server with sandboxes was started without images');
  return { ...rooms, images };
}

/** The gate and the registry. */
function openGate(
  { config, events, apiHost, log }: Context,
  {
    disk,
    memory,
    stores,
    store,
    sharedBlobs,
    pushed,
    plan: { scanIdleMs, databaseCacheKiB },
  }: Foundation & { readonly pushed: BlobStore | undefined },
  startScan: StartProgram | undefined,
): Promise<GuardedImages> {
  return openGuardedImages({
    dataDir: config.dataDir,
    stores,
    imagesDir: config.imagesDir,
    apiHost,
    // Its clients know only hosts, so its paths have no prefix.
    registryUrl: () => config.apiHost && new URL(config.apiHost).origin,
    onChange: (event) => events.gateChanged(event),
    tellOthers: () => events.tellOthers(),
    sharing:
      stores.engine === 'postgres' && sharedBlobs !== undefined
        ? {
            openBlobs: sharedBlobs.openAdvisories,
            ...{ leases: store.leases, node: config.node.name, admitWrite: disk.admitWrite },
          }
        : undefined,
    registryQuota: (namespace) => events.registryQuota(namespace),
    pushedBlobs: pushed,
    admitWrite: disk.admitWrite,
    startScan: startScan && withMemory(startScan, memory),
    scanIdleMs,
    databaseCacheKiB,
    log,
  });
}

interface ApiParts extends Pick<ApiOptions, 'audit' | 'cluster' | 'nodes' | 'onRoute' | 'tls'> {
  readonly reach: Dispatching['reach'];
  readonly foundation: Foundation;
  readonly functions: Functions;
  readonly guarded: GuardedImages;
  readonly dispatcher: Pick<Dispatcher, 'status'>;
  readonly secrets: Secrets;
  readonly tokenKeys: ReturnType<typeof tokenKeysOf>;
}

/** Does not listen yet. */
function composeApi(context: Context, parts: ApiParts): ReturnType<typeof createApi> {
  const { config, figures, log } = context;
  const { foundation, functions, reach, guarded, secrets, tokenKeys, cluster, nodes, audit, onRoute, tls } =
    parts;
  const { store, disk, memory, plan } = foundation;
  const { trustedProxies = [], ...web } = withoutUndefined(config.web);
  const operator = createOperatorSource({
    ...{ config, store, namespaces: functions.namespaces, quotas: functions.quotas },
    ...{ status: () => parts.dispatcher.status(), waivers: guarded.waivers, policy: guarded.policy },
    ...{ advisories: guarded.advisories, disk: disk.status },
  });
  const console = config.console ? { operator } : undefined;
  return createApi({
    functions,
    console,
    build: buildInfo,
    log,
    web,
    guard: createTokenGuard(context, functions),
    trustedProxies,
    memory: plan.shortBytes === undefined ? undefined : memory,
    reports: guarded.reports,
    explain: createExplainer({
      actions: functions.actions,
      codeGate: guarded.codeGate,
      sandbox: config.sandbox,
    }),
    actionFigures: createActionFigureList({ functions, codeGate: guarded.codeGate }),
    retention: async (namespace) => ({
      kept: keptData(config, (await functions.namespaces.get(namespace)).own),
    }),
    ...(audit === undefined ? {} : { audit }),
    ...{ cluster, nodes },
    metrics: { ...figures, token: secrets.metricsToken },
    prefix: config.apiHost === undefined ? '' : prefixIn(config.apiHost),
    readiness: () => readiness(store.recording, disk.status(), config.records, reach?.()),
    accessLog: config.accessLog,
    tls,
    onRoute,
    plugins: [
      guarded.registry({ namespaces: functions.namespaces, tokenKeys }),
      ...(config.console ? [consolePages(consoleFolder)] : []),
    ],
  });
}
