/** `/ward/v1/operator/logouts`: an operator ends all logins of a person. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Functions } from '../../functions/index.ts';
import { asOperator } from '../actors.ts';
import { bodyOf } from '../body.ts';
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
        const wanted = '`issuer` and `subject` are expected, as texts';
        const { issuer, subject } = bodyOf(request, logoutBody, wanted);
        const ended = await asOperator(request, () => exchange.endPerson(issuer, subject));
        return sendUncached(reply, { ended });
      },
    },
  });
}
