/**
 * The OpenWhisk REST API as a Fastify instance, not yet listening. It knows the domain's services, but no containers or
 * storage. It limits everything that a client controls (`http-app.ts`, `api-limits.ts`).
 */
import type { FastifyInstance } from 'fastify';
import type { Functions } from '../functions/index.ts';
import type { Log } from '../lib/index.ts';
import { addAccessLog } from './access-log.ts';
import { nameActors } from './actors.ts';
import { type ApiLimits, defaultApiLimits } from './api-limits.ts';
import { authenticateAll } from './authentication.ts';
import { addBodyDeadline } from './body-deadline.ts';
import { addOperator, type OperatorSource } from './console/operator.ts';
import { addSessions } from './console/sessions.ts';
import { addApiDocs } from './docs/api-docs.ts';
import { confineDomains } from './domains/domain-host.ts';
import { addDomains } from './domains/domains.ts';
import { errorHandler, sendError } from './errors.ts';
import { addGateway } from './gateway/gateway.ts';
import { newHttpApp } from './http-app.ts';
import { addMemoryAdmission, createUploadBudget, type MemoryAdmission } from './request-memory.ts';
import { addActionFigures, type ListActionFigures } from './resources/action-figures.ts';
import { addActions } from './resources/actions.ts';
import { addActivationInputs, addActivations, addErrorGroups, addRequests } from './resources/activations.ts';
import { type AuditSource, addAudit } from './resources/audit.ts';
import { addCallsUnderWay } from './resources/calls-under-way.ts';
import { addCluster, type ClusterRoutes } from './resources/cluster.ts';
import { addClusterNodes, type NodeRoutes, takeSandboxWays } from './resources/cluster-nodes.ts';
import { addDeadLetters } from './resources/dead-letters.ts';
import { addDomainRoutes } from './resources/domains.ts';
import { addEarlierCode } from './resources/earlier-code.ts';
import { addEgress } from './resources/egress.ts';
import { addExplain, type ExplainAction } from './resources/explain.ts';
import { addFeeds } from './resources/feeds.ts';
import { addApiInfo, addSystemInfo, type BuildInfo, type Readiness } from './resources/info.ts';
import { addKeys } from './resources/keys.ts';
import { addLogForwarding } from './resources/log-forwarding.ts';
import { addLogSearch } from './resources/log-search.ts';
import { addMetrics, type MetricsSource } from './resources/metrics.ts';
import { addNamespaces } from './resources/namespaces.ts';
import { addPackages } from './resources/packages.ts';
import { addRecordsStream } from './resources/records-stream.ts';
import { addReports, type ReportSource } from './resources/reports.ts';
import { addRules } from './resources/rules.ts';
import { addTokenExchange } from './resources/token.ts';
import { addTriggers } from './resources/triggers.ts';
import { addQuotaHeaders, addUsage, addUsageDays, type TellRetention } from './resources/usage.ts';
import { addWebhooks } from './resources/webhooks.ts';
import { type RouteAccess, refuseUndeclaredRoutes } from './route-access.ts';
import {
  confineSandboxes,
  defaultEntranceLimits,
  isOfSandbox,
  openSandboxEntrance,
  type SandboxEntrance,
} from './sandbox-entrance.ts';
import { clientCheck } from './secure/client-certificate.ts';
import { addStrictTransport } from './secure/strict-transport.ts';
import type { OpenTlsFront, TlsIdentity } from './secure/tls-front.ts';
import { takeSessionCookies } from './session-cookies.ts';
import { nameTraces } from './transaction.ts';
import { closedGuard, type TokenGuard } from './web/bearer.ts';
import { addWeb, createWeb, type WebLimits } from './web/web.ts';

export interface ApiOptions {
  readonly functions: Functions;
  readonly build: BuildInfo;
  readonly log: Log;
  readonly limits?: Partial<ApiLimits>;
  readonly web?: Partial<WebLimits>;
  /** Checks the bearer tokens that actions demand. Absent: no one can call such an action. */
  readonly guard?: TokenGuard;
  /** Addresses or networks whose `X-Forwarded-For` Ward trusts. */
  readonly trustedProxies?: readonly string[];
  /** The gate's reports. */
  readonly reports?: ReportSource;
  readonly audit?: AuditSource;
  /** Absent: no sandboxes are made by this server's policy. */
  readonly explain?: ExplainAction;
  readonly actionFigures?: ListActionFigures;
  readonly retention?: TellRetention;
  /** Lets nodes join the cluster; absent: this server has no authority of one. */
  readonly cluster?: ClusterRoutes | undefined;
  readonly metrics?: MetricsSource;
  /** For `/ping?ready`; absent: always ready. */
  readonly readiness?: () => Readiness;
  readonly accessLog?: boolean;
  /** Gets every route that does something, also of plugins, with its `url` as in Fastify: `/api/v1/namespaces/:ns/actions`. */
  readonly onRoute?: ((route: ApiRouteInfo) => void) | undefined;
  /** Absent: the API admits every request. */
  readonly memory?: MemoryAdmission | undefined;
  /** For nodes without a database. Absent: this server has no authority to know them by. */
  readonly nodes?: NodeRoutes | undefined;
  /** Lets the console's browsers log in. Absent: only keys get in. */
  readonly console?: { readonly operator: OperatorSource } | undefined;
  /** Absent: plain HTTP. */
  readonly tls?: TlsOptions | undefined;
  /** Before all paths in the URLs that clients use, without a slash at its end: a proxy takes it off. Absent: none. */
  readonly prefix?: string;
  /** Further routes, with keys and bodies of their own. */
  readonly plugins?: readonly ((app: FastifyInstance) => void)[];
}

export interface TlsOptions {
  /** From `loadTls`: a server without TLS does not load it. */
  readonly open: OpenTlsFront;
  readonly identity: TlsIdentity;
  /** How long browsers shall speak only TLS with this name; 0: no word about it. */
  readonly hstsSeconds: number;
}

interface ApiRouteInfo {
  readonly method: string;
  readonly url: string;
  readonly access: RouteAccess | undefined;
}

const corsHeaders = 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent';
const corsMethods = 'GET, DELETE, POST, PUT, HEAD';

export function createApi(options: ApiOptions): FastifyInstance {
  const { functions, build, log } = options;
  const idleTimeoutMs = idleTimeoutOf(functions.limits);
  const limits: ApiLimits = { idleTimeoutMs, ...defaultApiLimits, ...options.limits };
  const onError = errorHandler(log);
  const front = options.tls?.open(options.tls.identity, limits);
  const app = newHttpApp({
    ...{ limits, onError, front, hasNodes: options.nodes !== undefined },
    trustedProxies: options.trustedProxies ?? [],
  });
  refuseUndeclaredRoutes(app);
  if (options.onRoute !== undefined) reportRoutes(app, options.onRoute);
  nameTraces(app, functions);
  app.setErrorHandler(onError);
  app.setNotFoundHandler((request, reply) => sendError(request, reply, 404, notFoundText));
  confineDomains(app, functions.domains, isOfSandbox);
  takeSessionCookies(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    if (request.raw.url !== undefined && request.raw.url.length > limits.urlBytes) {
      void sendError(request, reply, 414, `The request's URI is longer than ${limits.urlBytes} bytes.`);
    } else done();
  });
  if (options.tls !== undefined) addStrictTransport(app, options.tls.hstsSeconds);
  if (options.accessLog) addAccessLog(app, log);
  if (options.memory !== undefined) addMemoryAdmission(app, options.memory, '/v2/');
  confineSandboxes(app);
  addBodyDeadline(app, {
    deadlineMs: limits.requestTimeoutMs,
    sweepMs: limits.sweepMs,
    exempt: '/v2/',
  });
  addSystemInfo(app, functions, options.readiness);
  if (options.metrics !== undefined) addMetrics(app, options.metrics);
  addPublicRoutes(app, options);
  if (options.cluster !== undefined) addCluster(app, options.cluster);
  if (options.nodes !== undefined) addClusterNodes(app, options.nodes);
  if (options.console !== undefined) {
    const { reports, audit, console, tls } = options;
    const checkClient = clientCheck(tls?.identity.clientCa !== undefined);
    addSessions(app, functions, { version: build.buildno, checkClient });
    addOperator(app, { functions, source: console.operator, checkClient, reports, audit });
  }
  addTokenExchange(app, functions);
  for (const plugin of options.plugins ?? []) app.register(async (scope) => plugin(scope));
  app.register(async (open) => {
    open.addHook('onRequest', (_request, reply, done) => {
      reply
        .header('access-control-allow-origin', '*')
        .header('access-control-allow-headers', corsHeaders)
        .header('access-control-allow-methods', corsMethods);
      done();
    });
    addApiInfo(open, build);
    addApiDocs(open, build.buildno, options.prefix ?? '');
    open.options('/api/v1', openToAnyone, (_request, reply) => reply.code(200).send());
    addKeyed(open, functions, '/api/v1', (scope) => {
      const uploads = createUploadBudget(limits.uploadBytes);
      addQuotaHeaders(scope, functions.quotas);
      addNamespaces(scope);
      addActions(scope, functions, uploads);
      addPackages(scope, functions, uploads);
      addTriggers(scope, functions, uploads);
      addRules(scope, functions, uploads);
      addActivations(scope, functions);
    });
    addKeyed(open, functions, '/ward/v1', (scope) => {
      addUsage(scope, functions.quotas, options.retention);
      addUsageDays(scope, functions);
      addEgress(scope, functions);
      addActivationInputs(scope, functions);
      addErrorGroups(scope, functions);
      addCallsUnderWay(scope, functions);
      addRecordsStream(scope, functions);
      addEarlierCode(scope, functions);
      if (options.explain !== undefined) addExplain(scope, options.explain);
      if (options.actionFigures !== undefined)
        addActionFigures(scope, options.actionFigures, functions.limits);
      addLogSearch(scope, functions);
      addRequests(scope, functions);
      addDeadLetters(scope, functions);
      addFeeds(scope, functions);
      addDomainRoutes(scope, functions.domains);
      addKeys(scope, functions);
      if (options.reports !== undefined) addReports(scope, options.reports, functions.limits);
      if (options.audit !== undefined) addAudit(scope, options.audit);
    });
    addKeyed(open, functions, '/runtime', (scope) => addLogForwarding(scope, functions.logForwarding));
  });
  return app;
}

/**
 * Opens the entrance for sandboxes.
 * @param api ready to serve
 * @param nodes also lets in sandboxes of other nodes
 */
export function sandboxEntrance(
  api: FastifyInstance,
  { limits }: Functions,
  nodes?: NodeRoutes,
): SandboxEntrance {
  const { headBytes, headTimeoutMs } = defaultApiLimits;
  const idleTimeoutMs = idleTimeoutOf(limits);
  const entrance = openSandboxEntrance(api, {
    ...defaultEntranceLimits,
    ...{ headBytes, headTimeoutMs, idleTimeoutMs },
  });
  if (nodes !== undefined) takeSandboxWays(api.server, nodes, entrance);
  return entrance;
}

function idleTimeoutOf({ blockingWaitMs }: Functions['limits']): number {
  return blockingWaitMs + 60_000;
}

function reportRoutes(app: FastifyInstance, report: (route: ApiRouteInfo) => void): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.isRefused) return;
    for (const each of [method].flat()) report({ method: each, url, access: config?.access });
  });
}

/** Adds the routes that need no key: actions and triggers that their owners offer publicly. */
function addPublicRoutes(
  app: FastifyInstance,
  { functions, log, web: limits = {}, guard = closedGuard, console, prefix = '' }: ApiOptions,
): void {
  const web = createWeb({ functions, log, limits, guard, hasConsole: console !== undefined, prefix });
  addWeb(app, web);
  addGateway(app, { web, apis: functions.apis });
  addDomains(app, { web, apis: functions.apis });
  addWebhooks(app, { open: functions.feeds.openWebhook, bodyBytes: functions.limits.payloadBytes });
}

/** Adds routes below `prefix` that ask for a namespace's key. */
function addKeyed(
  app: FastifyInstance,
  functions: Functions,
  prefix: string,
  add: (scope: FastifyInstance) => void,
): void {
  app.register(
    async (scope) => {
      authenticateAll(scope, functions);
      nameActors(scope);
      scope.setNotFoundHandler((request, reply) => sendError(request, reply, 404, notFoundText));
      scope.options('/*', openToAnyone, (_request, reply) => reply.code(200).send());
      add(scope);
    },
    { prefix },
  );
}

/** Browsers ask with OPTIONS, without credentials. */
const openToAnyone = { config: { access: 'anyone' } } as const;

const notFoundText = 'The requested resource does not exist.';
