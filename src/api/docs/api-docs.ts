/** `/api/v1/api-docs`: the API's description for authors of clients, in Swagger 2.0 as in OpenWhisk. */
import type { FastifyInstance } from 'fastify';
import { type JsonObject, relativeUrl } from '../../lib/index.ts';
import { sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';
import { definitions, ref } from './definitions.ts';
import { type DocumentedOperation, operations, queryParameters } from './operations.ts';

const basePath = '/api/v1';
const docsPath = `${basePath}/api-docs`;

/** @param prefix of the paths that clients use, without a slash at its end */
export function addApiDocs(scope: FastifyInstance, version: string, prefix: string): void {
  const text = JSON.stringify(apiDocument(version, prefix));
  addResource(scope, [docsPath, `${docsPath}/`], {
    GET: { access: 'anyone', handler: (_request, reply) => void sendJson(reply, 200, text) },
  });
  // OpenWhisk has pages for people at this path.
  addResource(scope, ['/api/v1/docs', '/api/v1/docs/'], {
    GET: {
      access: 'anyone',
      handler: ({ url }, reply) => void reply.redirect(relativeUrl(url, docsPath), 308),
    },
  });
}

/** @param version of Ward */
export function apiDocument(version: string, prefix = ''): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    paths[path] = { ...(paths[path] ?? pathParameters(path)), [method]: describe(operation) };
  }
  return {
    swagger: '2.0',
    info: { title: 'Ward: the OpenWhisk REST API', version },
    basePath: prefix + basePath,
    consumes: ['application/json'],
    produces: ['application/json'],
    securityDefinitions: { basicAuth: { type: 'basic' } },
    security: [{ basicAuth: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    definitions,
    responses: Object.fromEntries(
      Object.entries(errors).map(([status, description]) => [
        `Error${status}`,
        { description, schema: ref('ErrorMessage') },
      ]),
    ),
  };
}

const errors: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'The key is missing or wrong',
  403: 'The key may not do this',
  404: 'Not found',
  409: 'It conflicts with the current state',
  412: 'It has changed since it had the tag in If-Match',
  413: 'Larger than allowed',
  422: 'A binding that leads back to itself',
  429: 'Too many calls a minute or at once, or the platform has no room now',
  500: 'The server failed',
  503: 'The server can’t do this now',
};
const everywhere = [400, 401, 403, 404, 500];

function pathParameters(path: string): JsonObject {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  if (names.length === 0) return {};
  const described = (name: string) => (name === 'namespace' ? '_ is the namespace of the key' : undefined);
  return {
    parameters: names.map((name) => {
      const description = described(name);
      return {
        name,
        in: 'path',
        required: true,
        type: 'string',
        ...(description === undefined ? {} : { description }),
      };
    }),
  };
}

function describe(operation: DocumentedOperation): JsonObject {
  const { tag, id, summary, query = [], body, produces, answers } = operation;
  const isOpen = operation.path.startsWith('/web/');
  const parameters = [
    ...query.map((name) => ({ name, in: 'query', ...queryParameters[name] })),
    ...(body === undefined ? [] : [{ name: 'body', in: 'body', schema: body }]),
  ];
  const failures = isOpen ? [404] : [...everywhere, ...(operation.errors ?? [])];
  return {
    tags: [tag],
    operationId: id,
    summary,
    ...(isOpen ? { security: [] } : {}),
    ...(produces === undefined ? {} : { produces: [produces] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: {
      ...Object.fromEntries(failures.map((status) => [status, { $ref: `#/responses/Error${status}` }])),
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          typeof answer === 'string'
            ? { description: answer }
            : { description: 'As the schema says', schema: answer },
        ]),
      ),
    },
  };
}
