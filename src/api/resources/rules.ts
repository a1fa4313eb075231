/** `/namespaces/{ns}/rules`: create, change, read, list, delete, enable and disable. */
import type { FastifyInstance } from 'fastify';
import type { RuleService, SystemLimits } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { queryBoolean } from '../query.ts';
import { addResource } from '../resource.ts';
import type { UploadBudget } from '../upload-budget.ts';
import { entityBodyBytes, plainOf, requiredBody, sendPage } from './plain-entity.ts';

export interface RuleParts {
  readonly rules: RuleService;
  readonly limits: SystemLimits;
}

const collection = 'rules';

export function addRules(scope: FastifyInstance, { rules, limits }: RuleParts, uploads: UploadBudget): void {
  const root = `/namespaces/:ns/${collection}`;
  addResource(scope, [root, `${root}/`], {
    GET: async (request, reply) => {
      const { namespace } = namespaceOf(request, identityOf(request));
      return sendPage(request, reply, collection, limits, {
        list: (page) => rules.list(namespace, page),
        count: () => rules.count(namespace),
      });
    },
  });
  addResource(scope, [`${root}/:name`], {
    GET: async (request, reply) => {
      const ref = plainOf(request, identityOf(request));
      return sendJson(reply, 200, JSON.stringify(await rules.get(ref)));
    },
    PUT: {
      bodyLimit: entityBodyBytes,
      onRequest: uploads,
      handler: async (request, reply) => {
        const ref = plainOf(request, identityOf(request));
        const overwrite = queryBoolean(request.query, 'overwrite', false);
        const rule = await rules.put(ref, requiredBody(request), overwrite);
        return sendJson(reply, 200, JSON.stringify(rule));
      },
    },
    DELETE: async (request, reply) => {
      const ref = plainOf(request, identityOf(request));
      return sendJson(reply, 200, JSON.stringify(await rules.delete(ref)));
    },
    POST: async (request, reply) => {
      const ref = plainOf(request, identityOf(request));
      return sendJson(reply, 200, JSON.stringify(await rules.setStatus(ref, requiredBody(request))));
    },
  });
}
