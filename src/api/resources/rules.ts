/** `/namespaces/{ns}/rules`: create, change, read, list, delete, enable and disable. */
import type { FastifyInstance } from 'fastify';
import type { RuleService, SystemLimits } from '../../functions/index.ts';
import { identityOf } from '../authentication.ts';
import { revisionCheck } from '../if-match.ts';
import type { UploadBudget } from '../request-memory.ts';
import { addPlainEntities, plainOf, requiredBody, sendEntity } from './plain-entity.ts';

interface RuleParts {
  readonly rules: RuleService;
  readonly limits: SystemLimits;
}

export function addRules(scope: FastifyInstance, { rules, limits }: RuleParts, uploads: UploadBudget): void {
  addPlainEntities(scope, {
    collection: 'rules',
    service: rules,
    limits,
    uploads,
    post: {
      access: 'deploy',
      handler: async (request, reply) => {
        const ref = plainOf(request, identityOf(request));
        const body = requiredBody(request);
        return sendEntity(reply, await rules.setStatus(ref, body, revisionCheck(request)));
      },
    },
  });
}
