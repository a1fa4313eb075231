/**
 * `/runtime/namespaces/{ns}/logForwarding` of Adobe I/O Runtime: its tools ask where the logs go before they show any. In Ward,
 * logs stay with their activations. Forwarding to a host that a tenant names would let tenants reach everything that the
 * server can reach, so tenants can't set another destination.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { malformed } from '../../functions/index.ts';
import { isJsonObject } from '../../lib/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { addResource } from '../resource.ts';

const here = 'adobe_io_runtime';
const elsewhere = ['azure_log_analytics', 'splunk_hec', 'new_relic'];

/** @param scope with authentication, below `/runtime` */
export function addLogForwarding(scope: FastifyInstance): void {
  const root = '/namespaces/:ns/logForwarding';
  const settings = JSON.stringify({ [here]: {} });
  const noErrors = JSON.stringify({ destination: here, errors: [] });
  addResource(scope, [root, `${root}/`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        checkNamespace(request);
        return sendJson(reply, 200, settings);
      },
    },
    PUT: {
      access: 'deploy',
      handler: async (request, reply) => {
        checkNamespace(request);
        checkDestination(request.body);
        return sendJson(reply, 200, settings);
      },
    },
  });
  addResource(scope, [`${root}/errors`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        checkNamespace(request);
        return sendJson(reply, 200, noErrors);
      },
    },
  });
}

/** @throws Fault NAME_INVALID, NOT_AUTHORIZED, NOT_FOUND */
function checkNamespace(request: FastifyRequest): void {
  namespaceOf(request, identityOf(request));
}

/** @throws Fault BODY_INVALID, DESTINATION_UNSUPPORTED */
function checkDestination(body: unknown): void {
  const [destination, ...others] = isJsonObject(body) ? Object.keys(body) : [];
  const isKnown = destination === here || elsewhere.some((each) => each === destination);
  if (destination === undefined || others.length > 0 || !isKnown) {
    throw malformed(`exactly one destination expected: ${[here, ...elsewhere].join(', ')}`);
  }
  if (destination === here) return;
  throw apiFault(
    'DESTINATION_UNSUPPORTED',
    `This platform does not forward logs, so '${destination}' can't be set: they stay with their activations ('${here}').`,
  );
}
