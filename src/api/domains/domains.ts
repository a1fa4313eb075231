/**
 * Serves the domains of namespaces. Each shows the web actions of one package, or one API of the gateway, at its root. Its pages
 * share their origin with nothing else of Ward, so they need no other one (see `isolatePages`).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type ApiService, notFound, type ServedDomain } from '../../functions/index.ts';
import { locateOperation } from '../gateway/gateway.ts';
import { splitUrl } from '../web/target.ts';
import { headAt, type Web } from '../web/web.ts';
import { addWebScope, type Located } from '../web/web-scope.ts';
import { domainOf, ofDomains } from './domain-host.ts';

interface DomainsOptions {
  readonly web: Web;
  readonly apis: Pick<ApiService, 'route'>;
}

/** Do not add it below a hook that asks for credentials or sets CORS headers. */
export function addDomains(app: FastifyInstance, { web, apis }: DomainsOptions): void {
  const place = { url: '/*', constraints: ofDomains };
  addWebScope(app, place, { ...web, isolatesPages: false, withholdsCookies: false }, (request) => {
    const domain = domainOf(request.raw);
    if (domain === undefined) throw notFound();
    return locate(request, domain, apis);
  });
}

/** The action at `/`. */
const first = 'index';

function locate(
  request: FastifyRequest,
  { namespace, target }: ServedDomain,
  apis: DomainsOptions['apis'],
): Located | Promise<Located> {
  const { segments, query } = splitUrl(request.raw.url ?? '');
  if (target.kind === 'api') {
    const base = target.basePath.split('/').slice(1);
    const path = [...(target.basePath === '/' ? [] : base.map(encodeURIComponent)), ...segments];
    return locateOperation(request, apis, { namespace, path, query, only: target.basePath });
  }
  const isRoot = segments.length === 1 && segments[0] === '';
  const names = [namespace, target.package].map(encodeURIComponent);
  return { head: headAt(request, [...names, ...(isRoot ? [first] : segments)], query) };
}
