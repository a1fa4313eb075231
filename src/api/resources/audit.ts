/** `/ward/v1/audit`: the changes of the key's own namespace. OpenWhisk has no such resource. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuditPage } from '../../answers/index.ts';
import { identityOf } from '../authentication.ts';
import { sendJson, sendUncached } from '../errors.ts';
import { queryEpoch, queryPage, queryText } from '../query.ts';
import { addResource } from '../resource.ts';

export interface AuditSource {
  /** Newest first, with `after` oldest first. `next`: the `before` or the `after` of the next page. */
  search(query: {
    /** Undefined: all. */
    readonly namespace: string | undefined;
    readonly before: number | undefined;
    readonly after: number | undefined;
    readonly since: number;
    readonly until: number | undefined;
    readonly who: string | undefined;
    readonly what: string | undefined;
    readonly limit: number;
  }): Promise<AuditPage>;
}

const pages = { default: 50, max: 500 };

/** @param scope with authentication, below `/ward/v1` */
export function addAudit(scope: FastifyInstance, audit: AuditSource): void {
  addResource(scope, ['/audit'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace, createdAt } = identityOf(request);
        const asked = searchOf(request);
        // A namespace of the same name from before is another one.
        const since = Math.max(createdAt, asked.since);
        const { entries, next } = await audit.search({ ...asked, namespace, since });
        return sendJson(reply, 200, JSON.stringify({ entries, next }));
      },
    },
  });
}

/** `/ward/v1/operator/audit`: all changes and verdicts. @param scope for operators */
export function addOperatorAudit(scope: FastifyInstance, audit: AuditSource): void {
  addResource(scope, ['/audit'], {
    GET: {
      access: 'operator',
      handler: async (request, reply) => {
        const namespace = queryText(request.query, 'namespace') || undefined;
        const { entries, next } = await audit.search({ ...searchOf(request), namespace });
        return sendUncached(reply, { entries, next });
      },
    },
  });
}

function searchOf({ query }: FastifyRequest) {
  return {
    before: queryEpoch(query, 'before'),
    after: queryEpoch(query, 'after'),
    since: queryEpoch(query, 'since') ?? 0,
    until: queryEpoch(query, 'until'),
    who: queryText(query, 'who'),
    what: queryText(query, 'what'),
    limit: queryPage(query, 'audit', pages).limit,
  };
}
