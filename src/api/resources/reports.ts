/**
 * `/ward/v1/reports/{digest}`: what a scan found, what is in it, and what the gate says of it; for programs. A namespace
 * sees what was judged for it. The same below `/ward/v1/images/{digest}/`.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { notFound } from '../../functions/index.ts';
import { identityOf, pathPart } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { addResource, type Resource } from '../resource.ts';

/** Each gives undefined when nothing of that digest was judged for the namespace. */
export interface ReportSource {
  report(digest: string, namespace: string): Promise<object | undefined>;
  /** CycloneDX 1.6. */
  sbom(digest: string, namespace: string): Promise<object | undefined>;
  /** The latest of each stage. */
  verdicts(digest: string, namespace: string): Promise<object | undefined>;
}

export function addReports(scope: FastifyInstance, reports: ReportSource): void {
  const answer = (read: (digest: string, namespace: string) => Promise<object | undefined>): Resource => ({
    GET: {
      access: 'read',
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const found = await read(pathPart(request, 'digest'), identityOf(request).namespace);
        if (found === undefined) throw notFound();
        return sendJson(reply, 200, JSON.stringify(found));
      },
    },
  });
  for (const root of ['/images/:digest', '/reports/:digest']) {
    addResource(scope, [`${root}/report`], answer(reports.report));
    addResource(scope, [`${root}/sbom`], answer(reports.sbom));
    addResource(scope, [`${root}/verdict`], answer(reports.verdicts));
  }
  addResource(scope, ['/reports/:digest'], answer(reports.report));
}
