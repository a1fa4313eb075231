/**
 * `/namespaces/{ns}/usage`: how much of its quotas a namespace uses; `/retention`: how long that stays; and `/usage`: what it used
 * on each day. OpenWhisk has no such routes.
 */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Usage, UsageDay } from '../../answers/index.ts';
import { dayOf, type Functions, type UsageRow, usageCsv } from '../../functions/index.ts';
import { identityOf, namespaceOf, wantsOffered } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { queryDay, queryText } from '../query.ts';
import { sendQuotas } from '../rate-limit.ts';
import { addResource } from '../resource.ts';

/** How long Ward keeps what of a namespace. */
export type TellRetention = (namespace: string) => Promise<object>;

/**
 * @param scope with authentication, below `/ward/v1`
 * @param retention undefined: this server keeps nothing
 */
export function addUsage(
  scope: FastifyInstance,
  quotas: Functions['quotas'],
  retention: TellRetention | undefined,
): void {
  addResource(scope, ['/namespaces/:ns/usage', '/namespaces/:ns/usage/'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const usage: Usage = await quotas.usage(namespace);
        sendQuotas(reply, usage);
        return sendJson(reply, 200, JSON.stringify(usage));
      },
    },
  });
  if (retention === undefined) return;
  addResource(scope, ['/retention'], {
    GET: {
      access: 'read',
      handler: async (request, reply) =>
        sendJson(reply, 200, JSON.stringify(await retention(identityOf(request).namespace))),
    },
  });
}

/** Makes each write of the routes that are added later tell what is left for code and entities. */
export function addQuotaHeaders(scope: FastifyInstance, quotas: Functions['quotas']): void {
  scope.addHook('onRoute', (route) => {
    if (!['PUT', 'DELETE'].includes(String(route.method))) return;
    route.onSend = async (request, reply) => {
      // Only for authenticated requests, and while the namespace still exists.
      const code = request.identity && (await codeOf(quotas, request.identity.namespace));
      if (code !== undefined) sendQuotas(reply, { code });
    };
  });
}

async function codeOf(quotas: Functions['quotas'], namespace: string) {
  try {
    return (await quotas.usage(namespace)).code;
  } catch {
    return undefined;
  }
}

const usualDays = 30;
const csv = 'text/csv';

/** @param scope with authentication, below `/ward/v1` */
export function addUsageDays(scope: FastifyInstance, { usage }: Pick<Functions, 'usage'>): void {
  addResource(scope, ['/usage'], {
    GET: {
      access: 'read',
      offers: csv,
      handler: async (request, reply) => {
        const { namespace, createdAt } = identityOf(request);
        return sendRows(request, reply, usage({ ...daysOf(request), namespace, createdAt }));
      },
    },
  });
}

/** `/ward/v1/operator/usage`: of all namespaces. @param scope for operators */
export function addOperatorUsage(scope: FastifyInstance, { usage }: Pick<Functions, 'usage'>): void {
  addResource(scope, ['/usage'], {
    GET: {
      access: 'operator',
      offers: csv,
      handler: async (request, reply) => {
        const namespace = queryText(request.query, 'namespace') || undefined;
        return sendRows(request, reply, usage({ ...daysOf(request), namespace }));
      },
    },
  });
}

function daysOf({ query }: FastifyRequest) {
  const until = queryDay(query, 'until') ?? dayOf(Date.now());
  return { until, since: queryDay(query, 'since') ?? until - usualDays + 1 };
}

/** As many rows as there are, without holding them. */
function sendRows(request: FastifyRequest, reply: FastifyReply, rows: AsyncIterable<UsageRow>): FastifyReply {
  const isCsv = wantsOffered(request);
  return reply
    .header('cache-control', 'no-store')
    .type(`${isCsv ? csv : 'application/json'}; charset=utf-8`)
    .send(Readable.from(isCsv ? usageCsv(rows) : jsonOf(rows)));
}

async function* jsonOf(rows: AsyncIterable<UsageDay>): AsyncGenerator<string, void> {
  let before = '{"days":[';
  for await (const row of rows) {
    yield before + JSON.stringify(row);
    before = ',';
  }
  yield before === ',' ? ']}' : '{"days":[]}';
}
