/** `/ward/v1/operator/logouts`: an operator ends all logins of a person. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Functions, malformed } from '../../functions/index.ts';
import { asOperator } from '../actors.ts';
import { sendUncached } from '../errors.ts';
import { addResource } from '../resource.ts';

const bodyBytes = 16 * 1024;
const text = z.string().min(1).max(1024);
const logoutBody = z.strictObject({ issuer: text, subject: text });

/** @param scope for operators */
export function addOperatorLogouts(scope: FastifyInstance, { exchange }: Pick<Functions, 'exchange'>): void {
  addResource(scope, ['/logouts'], {
    POST: {
      access: 'operator',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const body = logoutBody.safeParse(request.body);
        if (!body.success) throw malformed('`issuer` and `subject` are expected, as texts');
        const { issuer, subject } = body.data;
        const ended = await asOperator(request, () => exchange.endPerson(issuer, subject));
        return sendUncached(reply, { ended });
      },
    },
  });
}
