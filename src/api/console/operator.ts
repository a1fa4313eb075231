/**
 * `/ward/v1/operator/`: what concerns all namespaces. Only an operator's session gets in (`ward console login`); no key
 * of a namespace does, with any scope.
 */

import type { FastifyInstance } from 'fastify';
import type {
  Advisories,
  Backup,
  Database,
  DiskUse,
  Isolation,
  Overview,
  Queue,
  RetentionOfAll,
  ViolationsPage,
} from '../../answers/index.ts';
import type { Functions, OperatorSession } from '../../functions/index.ts';
import { sendError, sendUncached } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { queryEpoch, queryPage, queryText } from '../query.ts';
import { addResource } from '../resource.ts';
import { type AuditSource, addOperatorAudit } from '../resources/audit.ts';
import { addOperatorEgress } from '../resources/egress.ts';
import { addOperatorReports, type ReportSource } from '../resources/reports.ts';
import { addOperatorUsage } from '../resources/usage.ts';
import type { CheckClient } from '../secure/client-certificate.ts';
import { ownTokens } from '../session-cookies.ts';
import { addOperatorCalls } from './operator-calls.ts';
import { addOperatorLogouts } from './operator-logouts.ts';
import { addOperatorNamespaces, type OperatorNamespaces } from './operator-namespaces.ts';
import { addOperatorPolicy, type EditedPolicy } from './operator-policy.ts';
import { addOperatorStream, type OperatorNews } from './operator-stream.ts';
import { addOperatorWaivers, type OperatorWaivers } from './operator-waivers.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Only scopes for operators have it. */
    operator: OperatorSession | undefined;
  }
}

/** What the server tells its operators. */
export interface OperatorSource extends OperatorNamespaces, OperatorNews {
  readonly waivers: OperatorWaivers;
  readonly policy: EditedPolicy;
  /** Nodes, disk, advisories. */
  overview(): Promise<Overview>;
  /** What `ward backup` wrote last on this machine, and why it can't make one. */
  backup(): Promise<Backup>;
  /** How much of the disk Ward uses, and for what. */
  disk(): Promise<DiskUse>;
  /** How long Ward keeps what, and namespaces with rules of their own. */
  retention(): Promise<RetentionOfAll>;
  /** How old they are, and each of their sources. */
  advisories(): Promise<Advisories>;
  /** Accepted calls by namespace, those with most that wait first. */
  queue(page: { readonly skip: number; readonly limit: number }): Promise<Queue>;
  /** The engine of the database, and the migrations that ran. */
  database(): Promise<Database>;
  /** The policy of sandboxes in words, and the last report of `ward doctor`. */
  isolation(): Promise<Isolation>;
  /** What sandboxes were refused, the last first. */
  violations(query: {
    readonly namespace: string | undefined;
    readonly kind: string | undefined;
    readonly since: number | undefined;
    readonly skip: number;
    readonly limit: number;
  }): Promise<ViolationsPage>;
}

interface OperatorParts {
  readonly functions: Functions;
  readonly source: OperatorSource;
  readonly checkClient: CheckClient;
  /** Absent: nothing is judged here. */
  readonly reports?: ReportSource | undefined;
  /** Absent: there is no audit log. */
  readonly audit?: AuditSource | undefined;
}

/** What takes no query. */
const told = ['overview', 'disk', 'retention', 'advisories', 'backup', 'database', 'isolation'] as const;

/** Adds the routes, and lets in operators only. */
export function addOperator(
  app: FastifyInstance,
  { functions, source, checkClient, reports, audit }: OperatorParts,
): void {
  const { limits } = functions;
  app.register(
    async (scope) => {
      letInOperators(scope, functions, checkClient);
      scope.setNotFoundHandler((request, reply) =>
        sendError(request, reply, 404, 'The requested resource does not exist.'),
      );
      for (const name of told)
        addResource(scope, [`/${name}`], {
          GET: {
            access: 'operator',
            handler: async (_, reply) => sendUncached(reply, await source[name]()),
          },
        });
      addOperatorNamespaces(scope, functions, source);
      addOperatorUsage(scope, functions);
      addOperatorEgress(scope, functions);
      addOperatorCalls(scope, functions);
      addOperatorLogouts(scope, functions);
      if (audit !== undefined) addOperatorAudit(scope, audit);
      addResource(scope, ['/queue'], {
        GET: {
          access: 'operator',
          handler: async ({ query }, reply) =>
            sendUncached(reply, await source.queue(queryPage(query, 'namespaces', limits.list))),
        },
      });
      addResource(scope, ['/violations'], {
        GET: {
          access: 'operator',
          handler: async ({ query }, reply) => {
            const text = (name: string) => queryText(query, name) || undefined;
            const filter = { namespace: text('namespace'), kind: text('kind') };
            const page = queryPage(query, 'violations', limits.list);
            return sendUncached(
              reply,
              await source.violations({ ...filter, since: queryEpoch(query, 'since'), ...page }),
            );
          },
        },
      });
      addOperatorWaivers(scope, source.waivers);
      addOperatorPolicy(scope, source.policy);
      addOperatorStream(scope, functions, source);
      if (reports !== undefined) addOperatorReports(scope, reports, limits);
    },
    { prefix: '/ward/v1/operator' },
  );
}

function letInOperators(
  scope: FastifyInstance,
  { sessions, credentials }: Pick<Functions, 'sessions' | 'credentials'>,
  checkClient: CheckClient,
): void {
  scope.decorateRequest('operator', undefined);
  scope.decorate('watchCredential', (request, onEnd) =>
    credentials.watch({ identity: undefined, session: ownTokens(request).operator }, onEnd),
  );
  scope.addHook('onRequest', async (request) => {
    const { operator: token } = ownTokens(request);
    const operator = token === undefined ? undefined : await sessions.operatorOf(token);
    if (operator === undefined) throw operatorRequired();
    checkClient(request);
    request.operator = operator;
  });
}

function operatorRequired() {
  return apiFault('OPERATOR_REQUIRED', 'This is for operators of this Ward.', {
    hint: 'Run `ward console login` on its machine, and open the URL that it prints.',
  });
}
