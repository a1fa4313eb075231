/**
 * `/ward/v1/keys`: an admin of a namespace makes further keys of it, lists them, and deletes them. `/ward/v1/members`:
 * sees who has logged in, and ends their logins. OpenWhisk has no such resources.
 */

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Key, Member } from '../../answers/index.ts';
import type { Functions } from '../../functions/index.ts';
import { identityOf, pathPart } from '../authentication.ts';
import { bodyOf } from '../body.ts';
import { sendUncached } from '../errors.ts';
import { addResource } from '../resource.ts';

const bodyBytes = 16 * 1024;

/** Its values are checked further where they are used. */
export const keyBody = z.strictObject({
  scope: z.string().max(64),
  label: z.string().max(256).optional(),
  /** Epoch milliseconds; null: never. */
  expiresAt: z.number().nullable().optional(),
});

/** @param scope with authentication, below `/ward/v1` */
export function addKeys(
  scope: FastifyInstance,
  { namespaces, members }: Pick<Functions, 'namespaces' | 'members'>,
): void {
  addResource(scope, ['/keys'], {
    GET: {
      access: 'admin',
      handler: async (request, reply) => {
        const keys: readonly Key[] = await namespaces.listKeys(identityOf(request).namespace);
        return sendUncached(reply, keys);
      },
    },
    POST: {
      access: 'admin',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const asked = bodyOf(request, keyBody);
        return sendUncached(reply, await namespaces.createKeyBy(identityOf(request), asked), 201);
      },
    },
  });
  addResource(scope, ['/keys/:id'], {
    DELETE: {
      access: 'admin',
      handler: async (request, reply) => {
        await namespaces.deleteKey(identityOf(request).namespace, pathPart(request, 'id'));
        return reply.code(204).send();
      },
    },
  });
  addResource(scope, ['/members'], {
    GET: {
      access: 'admin',
      handler: async (request, reply) => {
        const found: readonly Member[] = await members.list(identityOf(request).namespace);
        return sendUncached(reply, found);
      },
    },
  });
  addResource(scope, ['/members/:id/logins'], {
    DELETE: {
      access: 'admin',
      handler: async (request, reply) => {
        const ended = await members.logOut(identityOf(request).namespace, pathPart(request, 'id'));
        return sendUncached(reply, { ended });
      },
    },
  });
}
