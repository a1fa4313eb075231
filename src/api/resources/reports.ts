/**
 * `/ward/v1/reports/{digest}`: the findings, the inventory and the verdicts; as JSON, or as a page for clients that ask for
 * HTML. A namespace sees what the gate judged for it. `/ward/v1/images/{digest}/` has the same.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { notFound } from '../../functions/index.ts';
import { identityOf, pathPart } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { addResource, type Resource } from '../resource.ts';

/** Each method resolves to undefined if the gate judged nothing of that digest for the namespace. */
export interface ReportSource {
  report(digest: string, namespace: string): Promise<object | undefined>;
  /** CycloneDX 1.6. */
  sbom(digest: string, namespace: string): Promise<object | undefined>;
  /** Report and inventory as a page without scripts. */
  page(
    digest: string,
    namespace: string,
  ): Promise<{ readonly html: string; readonly contentSecurityPolicy: string } | undefined>;
  /** The latest verdict of each stage. */
  verdicts(digest: string, namespace: string): Promise<object | undefined>;
}

export function addReports(scope: FastifyInstance, reports: ReportSource): void {
  const answer = (read: Read): Resource => ({
    GET: { access: 'read', handler: (request, reply) => sendFound(read, request, reply) },
  });
  for (const root of ['/images/:digest', '/reports/:digest']) {
    addResource(scope, [`${root}/report`], answer(reports.report));
    addResource(scope, [`${root}/sbom`], answer(reports.sbom));
    addResource(scope, [`${root}/verdict`], answer(reports.verdicts));
  }
  addResource(scope, ['/reports/:digest'], {
    GET: {
      access: 'read',
      handler(request, reply) {
        reply.header('vary', 'accept');
        return wantsPage(request)
          ? sendPage(reports, request, reply)
          : sendFound(reports.report, request, reply);
      },
    },
  });
}

type Read = (digest: string, namespace: string) => Promise<object | undefined>;

async function sendFound(read: Read, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const found = await read(pathPart(request, 'digest'), identityOf(request).namespace);
  if (found === undefined) throw notFound();
  return sendJson(reply, 200, JSON.stringify(found));
}

/** Browsers name HTML before all else. */
function wantsPage({ headers }: FastifyRequest): boolean {
  return /^\s*text\/html\s*(?:;|,|$)/i.test(headers.accept ?? '');
}

async function sendPage(
  reports: ReportSource,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = await reports.page(pathPart(request, 'digest'), identityOf(request).namespace);
  if (page === undefined) throw notFound();
  return reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': page.contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    .send(page.html);
}
