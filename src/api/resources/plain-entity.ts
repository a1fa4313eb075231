/** The common part of the routes of packages, triggers and rules: entities that are in no package. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type EntityRef,
  type Identity,
  type ListRange,
  type NamespaceName,
  notFound,
  type PlainRef,
  type RevisionCheck,
  type SystemLimits,
} from '../../functions/index.ts';
import { anyEntityOf, entityOf, identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { revisionCheck, revisionTag } from '../if-match.ts';
import { queryBoolean, queryPage } from '../query.ts';
import type { UploadBudget } from '../request-memory.ts';
import { addResource, type Resource } from '../resource.ts';

/** For bodies with parameters and annotations; JSON escapes need more room than the values. */
export const entityBodyBytes = 4 * 1024 * 1024;

/** Returns the entity of a path, if it is the caller's. @throws Fault NAME_INVALID, NOT_AUTHORIZED, NOT_FOUND */
export function plainOf(request: FastifyRequest, identity: Identity): PlainRef {
  return withoutPackage(entityOf(request, identity));
}

/** Returns the entity of a path, in any namespace. @throws Fault NAME_INVALID, NOT_FOUND */
export function anyPlainOf(request: FastifyRequest, identity: Identity): PlainRef {
  return withoutPackage(anyEntityOf(request, identity));
}

/** @throws Fault BODY_MISSING */
export function requiredBody({ body }: FastifyRequest): unknown {
  if (body === undefined) throw apiFault('BODY_MISSING', 'Request entity expected but not supplied');
  return body;
}

/** Sends a page of a collection, or with `count=true` the number of entries past `skip`. @throws Fault QUERY_INVALID */
export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  collection: string,
  limits: SystemLimits,
  read: {
    readonly list: (page: ListRange) => Promise<readonly unknown[]>;
    readonly count: () => Promise<number>;
  },
) {
  const page = queryPage(request.query, collection, limits.list);
  if (!queryBoolean(request.query, 'count', false)) {
    return sendJson(reply, 200, JSON.stringify(await read.list(page)));
  }
  const count = Math.max(0, (await read.count()) - page.skip);
  return sendJson(reply, 200, JSON.stringify({ [collection]: count }));
}

/** Clients see the revision only as the tag of the answer. */
export function sendEntity(reply: FastifyReply, { revision, ...shown }: Revised) {
  return sendJson(reply.header('etag', revisionTag(revision)), 200, JSON.stringify(shown));
}

/** An encoded slash in the namespace may name a package, which these entities can't be in. */
function withoutPackage({ namespace, package: inPackage, name }: EntityRef): PlainRef {
  if (inPackage !== undefined) throw notFound();
  return { namespace, name };
}

interface Revised {
  readonly revision: string;
}

interface PlainEntityRoutes {
  readonly collection: string;
  readonly service: {
    list(namespace: NamespaceName, page: ListRange): Promise<readonly object[]>;
    count(namespace: NamespaceName): Promise<number>;
    get(ref: PlainRef): Promise<Revised>;
    put(ref: PlainRef, body: unknown, overwrite: boolean, mayChange?: RevisionCheck): Promise<Revised>;
    delete(ref: PlainRef, mayChange?: RevisionCheck): Promise<Revised>;
  };
  readonly limits: SystemLimits;
  readonly uploads: UploadBudget;
  /** The POST route of one entity. */
  readonly post: NonNullable<Resource['POST']>;
}

/** Adds the routes of a collection that only its own namespace sees, and of its entities. */
export function addPlainEntities(
  scope: FastifyInstance,
  { collection, service, limits, uploads, post }: PlainEntityRoutes,
): void {
  const root = `/namespaces/:ns/${collection}`;
  addResource(scope, [root, `${root}/`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        return sendPage(request, reply, collection, limits, {
          list: (page) => service.list(namespace, page),
          count: () => service.count(namespace),
        });
      },
    },
  });
  addResource(scope, [`${root}/:name`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const ref = plainOf(request, identityOf(request));
        return sendEntity(reply, await service.get(ref));
      },
    },
    PUT: {
      access: 'deploy',
      bodyLimit: entityBodyBytes,
      onRequest: uploads,
      handler: async (request, reply) => {
        const ref = plainOf(request, identityOf(request));
        const overwrite = queryBoolean(request.query, 'overwrite', false);
        const body = requiredBody(request);
        return sendEntity(reply, await service.put(ref, body, overwrite, revisionCheck(request)));
      },
    },
    DELETE: {
      access: 'deploy',
      handler: async (request, reply) => {
        const ref = plainOf(request, identityOf(request));
        return sendEntity(reply, await service.delete(ref, revisionCheck(request)));
      },
    },
    POST: post,
  });
}
