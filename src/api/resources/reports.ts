/**
 * `/ward/v1/reports/{digest}`: the findings, the inventory and the verdicts; as JSON, or as a page for clients that ask for
 * HTML. A namespace sees what the gate judged for it. `/ward/v1/images/{digest}/` has the same.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type {
  FoundFinding,
  FoundPackage,
  Report,
  SearchPage,
  ShownVerdict,
  SilencedFinding,
  VerdictRow,
  Vex,
} from '../../answers/index.ts';
import { notFound, type SystemLimits } from '../../functions/index.ts';
import { identityOf, pathPart } from '../authentication.ts';
import { sendJson, sendUncached } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { queryPage, queryText } from '../query.ts';
import { addResource, type Resource } from '../resource.ts';

/**
 * Without a namespace, for an operator: of all. The first four resolve to undefined if the gate judged nothing of that digest
 * for the namespace.
 */
export interface ReportSource {
  report(digest: string, namespace?: string): Promise<Report | undefined>;
  /** CycloneDX 1.6. */
  sbom(digest: string, namespace?: string): Promise<object | undefined>;
  /** Report and inventory as a page without scripts. */
  page(
    digest: string,
    namespace: string,
  ): Promise<{ readonly html: string; readonly contentSecurityPolicy: string } | undefined>;
  /** The latest verdict of each stage. */
  verdicts(digest: string, namespace?: string): Promise<readonly ShownVerdict[] | undefined>;
  /** The latest verdicts of all subjects; '' does not filter. */
  judged(query: JudgedFilter): Promise<readonly VerdictRow[]>;
  /** Findings by CVE, package or title. */
  findings(query: {
    readonly namespace?: string | undefined;
    readonly text: string;
    readonly after: string | undefined;
  }): Promise<SearchPage<FoundFinding>>;
  /** Packages by name and licence; '' fits all. */
  packages(query: {
    readonly namespace?: string | undefined;
    readonly text: string;
    readonly licence: string;
    readonly after: string | undefined;
  }): Promise<SearchPage<FoundPackage>>;
  /** The operator's VEX statements, the newest first. For operators only. */
  vex(page: { readonly skip: number; readonly limit: number }): Promise<Vex>;
  /** Findings that these silence, in some reports after that one. For operators only. */
  silenced(after: string | undefined): Promise<SearchPage<SilencedFinding>>;
}

interface JudgedFilter {
  readonly namespace?: string;
  readonly stage: string;
  readonly outcome: string;
  readonly name: string;
  readonly skip: number;
  readonly limit: number;
}

export function addReports(scope: FastifyInstance, reports: ReportSource, limits: SystemLimits): void {
  const answer = (read: Read): Resource => ({
    GET: { access: 'read', handler: (request, reply) => sendFound(read, request, reply) },
  });
  addLists(scope, reports, limits, 'read');
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

/** The same for operators, of all namespaces. */
export function addOperatorReports(
  scope: FastifyInstance,
  reports: ReportSource,
  limits: SystemLimits,
): void {
  addLists(scope, reports, limits, 'operator');
  addResource(scope, ['/vex'], {
    GET: {
      access: 'operator',
      handler: async ({ query }, reply) =>
        sendUncached(reply, await reports.vex(queryPage(query, 'statements', limits.list))),
    },
  });
  addResource(scope, ['/vex/silenced'], {
    GET: {
      access: 'operator',
      handler: async ({ query }, reply) =>
        sendUncached(reply, await reports.silenced(queryText(query, 'after'))),
    },
  });
  const reads = { report: reports.report, sbom: reports.sbom, verdict: reports.verdicts };
  for (const [name, read] of Object.entries(reads)) {
    addResource(scope, [`/reports/:digest/${name}`], {
      GET: {
        access: 'operator',
        handler: async (request, reply) => {
          const found = await read(pathPart(request, 'digest'));
          if (found === undefined) throw notFound();
          return sendUncached(reply, found);
        },
      },
    });
  }
}

/** `/verdicts`, `/findings` and `/packages`: over all that was judged. */
function addLists(
  scope: FastifyInstance,
  reports: ReportSource,
  { list }: SystemLimits,
  access: 'read' | 'operator',
): void {
  const namespaceOf = (request: FastifyRequest) =>
    access === 'read' ? identityOf(request).namespace : (queryText(request.query, 'namespace') ?? '');
  addResource(scope, ['/verdicts'], {
    GET: {
      access,
      handler: async (request, reply) => {
        const text = (name: string) => queryText(request.query, name) ?? '';
        const filter = { stage: text('stage'), outcome: text('outcome'), name: text('name') };
        const page = queryPage(request.query, 'verdicts', list);
        const found = await reports.judged({ namespace: namespaceOf(request), ...filter, ...page });
        return sendJson(reply, 200, JSON.stringify(found));
      },
    },
  });
  addResource(scope, ['/findings'], {
    GET: {
      access,
      handler: async (request, reply) => {
        const text = queryText(request.query, 'text') ?? '';
        if (text === '') throw apiFault('QUERY_INVALID', "Say what to search for in the parameter 'text'.");
        const namespace = namespaceOf(request) || undefined;
        const after = queryText(request.query, 'after');
        return sendJson(reply, 200, JSON.stringify(await reports.findings({ namespace, text, after })));
      },
    },
  });
  addResource(scope, ['/packages'], {
    GET: {
      access,
      handler: async (request, reply) => {
        const text = queryText(request.query, 'text') ?? '';
        const licence = queryText(request.query, 'licence') ?? '';
        if (text === '' && licence === '')
          throw apiFault('QUERY_INVALID', "Say what to search for in the parameter 'text' or 'licence'.");
        const namespace = namespaceOf(request) || undefined;
        const after = queryText(request.query, 'after');
        const found = await reports.packages({ namespace, text, licence, after });
        return sendJson(reply, 200, JSON.stringify(found));
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
