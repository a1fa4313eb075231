/** `/ward/v1/operator/namespaces`: operators create and delete namespaces, set their limits, make and delete keys, and see and log out members. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { HeldNamespaces, NamespaceDetail } from '../../answers/index.ts';
import type { Functions, NamespaceLimitsPatch } from '../../functions/index.ts';
import { asOperator } from '../actors.ts';
import { pathPart } from '../authentication.ts';
import { bodyOf } from '../body.ts';
import { sendUncached } from '../errors.ts';
import { queryPage } from '../query.ts';
import { addResource } from '../resource.ts';
import { keyBody } from '../resources/keys.ts';

export interface OperatorNamespaces {
  /** A page of all namespaces, by name, with what they hold and what they may. */
  namespaces(page: { readonly skip: number; readonly limit: number }): Promise<HeldNamespaces>;
}

const bodyBytes = 16 * 1024;

// Names and values are checked further where they are used.
const namespaceBody = z.strictObject({ name: z.string().max(256) });

/** Null: as for all namespaces. The other limits are set by the command line, which checks them with the host's policy. */
const value = z.number().nullable();
const limitsBody = z
  .strictObject({
    invocationsPerMinute: value,
    concurrentInvocations: value,
    firesPerMinute: value,
    codeQuotaBytes: value,
    recordQuotaBytes: value,
    registryQuotaBytes: value,
    retentionMaxAgeDays: value,
    retentionMaxRecords: value,
  })
  .partial();

/** @param scope for operators */
export function addOperatorNamespaces(
  scope: FastifyInstance,
  functions: Pick<Functions, 'limits' | 'members' | 'namespaces' | 'quotas'>,
  source: OperatorNamespaces,
): void {
  const {
    namespaces,
    quotas,
    limits: { list },
  } = functions;
  addResource(scope, ['/namespaces'], {
    GET: {
      access: 'operator',
      handler: async (request, reply) =>
        sendUncached(reply, await source.namespaces(queryPage(request.query, 'namespaces', list))),
    },
    POST: {
      access: 'operator',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const { name } = bodyOf(request, namespaceBody);
        const key = await asOperator(request, () => namespaces.create(name));
        return sendUncached(reply, { name, key }, 201);
      },
    },
  });
  addResource(scope, ['/namespaces/:ns'], {
    GET: {
      access: 'operator',
      handler: async (request, reply) => {
        const name = pathPart(request, 'ns');
        const [{ createdAt, limits, own }, usage, keys] = await Promise.all([
          namespaces.get(name),
          quotas.usage(name),
          namespaces.listKeys(name),
        ]);
        const detail: NamespaceDetail = { name, createdAt, limits, own, usage, keys };
        return sendUncached(reply, detail);
      },
    },
    DELETE: {
      access: 'operator',
      handler: async (request, reply) => {
        await asOperator(request, () => namespaces.delete(pathPart(request, 'ns')));
        return reply.code(204).send();
      },
    },
  });
  addResource(scope, ['/namespaces/:ns/limits'], {
    PUT: {
      access: 'operator',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const patch: NamespaceLimitsPatch = bodyOf(request, limitsBody);
        const name = pathPart(request, 'ns');
        const { limits, own } = await asOperator(request, () => namespaces.setLimits(name, patch));
        return sendUncached(reply, { limits, own });
      },
    },
  });
  addKeyRoutes(scope, functions);
  addMemberRoutes(scope, functions);
}

function addKeyRoutes(scope: FastifyInstance, { namespaces }: Pick<Functions, 'namespaces'>): void {
  addResource(scope, ['/namespaces/:ns/keys'], {
    POST: {
      access: 'operator',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const asked = bodyOf(request, keyBody);
        const name = pathPart(request, 'ns');
        return sendUncached(reply, await asOperator(request, () => namespaces.createKey(name, asked)), 201);
      },
    },
  });
  addResource(scope, ['/namespaces/:ns/keys/:id'], {
    DELETE: {
      access: 'operator',
      handler: async (request, reply) => {
        const [name, id] = [pathPart(request, 'ns'), pathPart(request, 'id')];
        await asOperator(request, () => namespaces.deleteKey(name, id));
        return reply.code(204).send();
      },
    },
  });
}

function addMemberRoutes(
  scope: FastifyInstance,
  { namespaces, members }: Pick<Functions, 'members' | 'namespaces'>,
): void {
  addResource(scope, ['/namespaces/:ns/members'], {
    GET: {
      access: 'operator',
      handler: async (request, reply) => {
        const { name } = await namespaces.get(pathPart(request, 'ns'));
        return sendUncached(reply, [...(await members.list(name))]);
      },
    },
  });
  addResource(scope, ['/namespaces/:ns/members/:id/logins'], {
    DELETE: {
      access: 'operator',
      handler: async (request, reply) => {
        const [name, id] = [pathPart(request, 'ns'), pathPart(request, 'id')];
        const ended = await asOperator(request, () => members.logOut(name, id));
        return sendUncached(reply, { ended });
      },
    },
  });
}
