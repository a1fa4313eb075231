/** `/ward/v1/operator/waivers`: operators let findings pass the gate for a time, with a reason. */

import type { FastifyInstance } from 'fastify';
import type { Waiver } from '../../answers/index.ts';
import { notFound } from '../../functions/index.ts';
import { asOperator } from '../actors.ts';
import { pathPart } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';

export interface OperatorWaivers {
  list(): Promise<readonly Waiver[]>;
  /** @throws Fault WAIVER_INVALID */
  add(asked: unknown): Promise<Waiver>;
  /** Returns false when no waiver has this id. */
  remove(id: string): Promise<boolean>;
}

const bodyBytes = 16 * 1024;

/** @param scope for operators */
export function addOperatorWaivers(scope: FastifyInstance, waivers: OperatorWaivers): void {
  addResource(scope, ['/waivers'], {
    GET: {
      access: 'operator',
      handler: async (_, reply) => {
        const answer = JSON.stringify({ waivers: await waivers.list() });
        return sendJson(reply.header('cache-control', 'no-store'), 200, answer);
      },
    },
    POST: {
      access: 'operator',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const made = await asOperator(request, () => waivers.add(request.body));
        return sendJson(reply, 201, JSON.stringify(made));
      },
    },
  });
  addResource(scope, ['/waivers/:id'], {
    DELETE: {
      access: 'operator',
      handler: async (request, reply) => {
        const isGone = await asOperator(request, () => waivers.remove(pathPart(request, 'id')));
        if (!isGone) throw notFound();
        return reply.code(204).send();
      },
    },
  });
}
