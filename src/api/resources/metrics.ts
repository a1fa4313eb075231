/**
 * `GET /metrics`, for Prometheus. Without a configured token, only direct connections from this machine may read it, not those
 * of a proxy. With a token, every client that sends it may.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { sendError } from '../errors.ts';
import { addResource } from '../resource.ts';

/** All metrics in one format. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsSource extends Exposition {
  /** For scrapers that prefer it. Absent: all get the same. */
  readonly openMetrics?: Exposition;
  /** What a scraper sends as `Authorization: Bearer …`. */
  readonly token: string | undefined;
}

export function addMetrics(app: FastifyInstance, source: MetricsSource): void {
  addResource(app, ['/metrics'], {
    GET: {
      access: 'own-check',
      onRequest: (request, reply, done) => {
        const { token } = source;
        if (token === undefined) {
          const refusal = refuseStrangers(request);
          return refusal === undefined ? done() : void sendError(request, reply, 403, refusal);
        }
        if (hasToken(request, token)) return done();
        reply.header('www-authenticate', 'Bearer realm="metrics"');
        void sendError(request, reply, 401, 'The token for metrics is missing or wrong.');
      },
      handler: async ({ headers }, reply) => {
        const { openMetrics = source } = source;
        const { contentType, text } = prefersOpenMetrics(headers.accept) ? openMetrics : source;
        return await reply
          .header('content-type', contentType)
          .header('vary', 'accept')
          .send(await text());
      },
    },
  });
}

/** Headers that only proxies send; nearly every proxy sends some of them. */
const proxyHeader =
  /^(?:via|forwarded|x-forwarded-.*|x-original-.*|x-real-ip|(?:x-|true-|cf-|fastly-)?(?:client|connecting)-ip|x-cluster-client-ip)$/;

function refuseStrangers({ headers, raw }: FastifyRequest): string | undefined {
  const isForwarded = Object.keys(headers).some((name) => proxyHeader.test(name));
  // By default nginx adds no header but speaks HTTP/1.0. Scrapers speak HTTP/1.1.
  const isOld = raw.httpVersion === '1.0';
  if (!isForwarded && !isOld && isLoopback(raw.socket.remoteAddress)) return undefined;
  return 'Metrics are for this machine only. To read them from elsewhere, set metrics.tokenFile.';
}

/** Prometheus asks for several formats, each with its weight. Ward has version 1.0.0 of this one. */
function prefersOpenMetrics(accept = ''): boolean {
  const weightOf = (form: RegExp) =>
    Math.max(
      0,
      ...accept
        .toLowerCase()
        .split(',')
        .filter((each) => form.test(each))
        .map((each) => Number(/;\s*q=([\d.]+)/.exec(each)?.[1] ?? 1)),
    );
  const open = weightOf(/^\s*application\/openmetrics-text(?!.*;\s*version=(?!"?1\.0\.0"?\s*(?:;|$)))/);
  return open > 0 && open >= weightOf(/^\s*text\/(?:plain|\*)/);
}

function hasToken({ headers }: FastifyRequest, token: string): boolean {
  const given = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

/** Makes equal lengths, which the comparison needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}
