/** What the routes of packages, triggers and rules have in common: entities that are in no package. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type EntityRef,
  type Identity,
  notFound,
  type Page,
  type PlainRef,
  type SystemLimits,
} from '../../functions/index.ts';
import { anyEntityOf, entityOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { queryBoolean, queryPage } from '../query.ts';

/** For bodies with parameters and annotations: what JSON escapes takes more room. */
export const entityBodyBytes = 4 * 1024 * 1024;

/** The entity of a path, if it is the caller's. @throws Fault NAME_INVALID, NOT_AUTHORIZED, NOT_FOUND */
export function plainOf(request: FastifyRequest, identity: Identity): PlainRef {
  return withoutPackage(entityOf(request, identity));
}

/** The entity of a path, in whatever namespace. @throws Fault NAME_INVALID, NOT_FOUND */
export function anyPlainOf(request: FastifyRequest, identity: Identity): PlainRef {
  return withoutPackage(anyEntityOf(request, identity));
}

/** @throws Fault BODY_MISSING */
export function requiredBody({ body }: FastifyRequest): unknown {
  if (body === undefined) throw apiFault('BODY_MISSING', 'Request entity expected but not supplied');
  return body;
}

/** A page of a collection, or with `count=true` how many there are past `skip`. @throws Fault QUERY_INVALID */
export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  collection: string,
  limits: SystemLimits,
  read: {
    readonly list: (page: Page) => Promise<readonly unknown[]>;
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

/** An encoded slash in the namespace may have put it into a package, where it can't be. */
function withoutPackage({ namespace, package: inPackage, name }: EntityRef): PlainRef {
  if (inPackage !== undefined) throw notFound();
  return { namespace, name };
}
