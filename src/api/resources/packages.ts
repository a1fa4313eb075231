/** `/namespaces/{ns}/packages`: create, change, read, list, delete. Shared packages are open to all namespaces. */
import type { FastifyInstance } from 'fastify';
import {
  notFound,
  type PackageService,
  type ParameterReads,
  type SystemLimits,
} from '../../functions/index.ts';
import { anyNamespaceOf, identityOf } from '../authentication.ts';
import { revisionCheck } from '../if-match.ts';
import { queryBoolean } from '../query.ts';
import type { UploadBudget } from '../request-memory.ts';
import { addResource } from '../resource.ts';
import { anyPlainOf, entityBodyBytes, plainOf, requiredBody, sendEntity, sendPage } from './plain-entity.ts';

interface PackageParts {
  readonly packages: PackageService;
  readonly parameterReads: ParameterReads;
  readonly limits: SystemLimits;
}

const collection = 'packages';

export function addPackages(
  scope: FastifyInstance,
  { packages, parameterReads, limits }: PackageParts,
  uploads: UploadBudget,
): void {
  const root = `/namespaces/:ns/${collection}`;
  addResource(scope, [root, `${root}/`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const { namespace, package: inPackage } = anyNamespaceOf(request, identity);
        if (inPackage !== undefined) throw notFound();
        return sendPage(request, reply, collection, limits, {
          list: (page) => packages.list(namespace, identity.namespace, page),
          count: () => packages.count(namespace, identity.namespace),
        });
      },
    },
  });
  addResource(scope, [`${root}/:name`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const ref = anyPlainOf(request, identity);
        const read = await packages.get(ref, identity.namespace);
        await parameterReads.note('package', ref, read.parameters);
        return sendEntity(reply, read);
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
        return sendEntity(reply, await packages.put(ref, body, overwrite, revisionCheck(request)));
      },
    },
    DELETE: {
      access: 'deploy',
      handler: async (request, reply) => {
        const ref = plainOf(request, identityOf(request));
        const force = queryBoolean(request.query, 'force', false);
        return sendEntity(reply, await packages.delete(ref, force, revisionCheck(request)));
      },
    },
  });
}
