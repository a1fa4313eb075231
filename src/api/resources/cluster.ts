/**
 * `/ward/v1/cluster`: how nodes join the cluster and renew their certificates. The routes need no key: the cluster
 * checks the signatures in a request. They are slow on purpose for a stranger, because a signature and a look-up in the
 * database cost more than a refused key.
 */
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import { actAs } from '../../lib/index.ts';
import { sendUncached } from '../errors.ts';
import { addResource } from '../resource.ts';
import { createRateLimiter, type Rate } from '../web/rate-limiter.ts';

/** Takes anything, and checks it. */
export interface ClusterRoutes {
  describe(): Promise<object>;
  join(request: unknown): Promise<object>;
  renew(request: unknown): Promise<object>;
}

interface ClusterRates {
  /** Of one address. */
  readonly perAddress: Rate;
  readonly all: Rate;
}

/** A node asks twice to join, and once in twelve hours afterwards. */
const usualRates: ClusterRates = {
  perAddress: { perSecond: 1, burst: 100 },
  all: { perSecond: 50, burst: 500 },
};
const mostAddresses = 10_000;
/** A request has about two kibibytes. */
const bodyBytes = 8192;

export function addCluster(
  app: FastifyInstance,
  { describe, join, renew }: ClusterRoutes,
  rates: ClusterRates = usualRates,
): void {
  const ofAddress = createRateLimiter({ rate: rates.perAddress, capacity: mostAddresses });
  const ofAll = createRateLimiter({ rate: rates.all, capacity: 1 });
  const onRequest: onRequestHookHandler = (request, _reply, done) => {
    ofAddress.take(request.ip);
    ofAll.take('all');
    done();
  };
  const root = '/ward/v1/cluster';
  addResource(app, [root], {
    GET: { access: 'anyone', onRequest, handler: async (_, reply) => sendUncached(reply, await describe()) },
  });
  for (const [path, work] of [
    ['join', join],
    ['renewal', renew],
  ] as const) {
    addResource(app, [`${root}/${path}`], {
      POST: {
        access: 'own-check',
        bodyLimit: bodyBytes,
        onRequest,
        handler: async (request, reply) => {
          const node = { who: 'node', from: request.ip, request: request.id };
          return sendUncached(reply, await actAs(node, () => work(request.body)));
        },
      },
    });
  }
}
