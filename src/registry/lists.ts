/** Serves pages of tags, repositories and referrers (distribution-spec v1.1, "Content Discovery"). */
import type { FastifyReply } from 'fastify';
import type { Digest, SecondName } from '../blobs/index.ts';
import type { Page, PageQuery, RegistryStore, RepositoryName } from '../content/index.ts';
import { byMethod, type Exchange, sendJson } from './exchange.ts';
import { registryFault } from './faults.ts';

interface ListsContext {
  readonly store: RegistryStore;
  readonly pageLength: number;
}

const indexType = 'application/vnd.oci.image.index.v1+json';

export function serveTags(
  { store, pageLength }: ListsContext,
  exchange: Exchange,
  repository: RepositoryName,
) {
  return byMethod(exchange, {
    GET: async () => {
      const page = await store.listTags(repository, pageQuery(exchange, pageLength));
      linkNext(exchange, page, page.items.at(-1));
      return sendJson(exchange.reply, { name: repository, tags: page.items });
    },
  });
}

export function serveCatalog(
  { store, pageLength }: ListsContext,
  exchange: Exchange,
  prefixes: readonly string[],
) {
  return byMethod(exchange, {
    GET: async () => {
      const page = await store.listRepositories(prefixes, pageQuery(exchange, pageLength));
      linkNext(exchange, page, page.items.at(-1));
      return sendJson(exchange.reply, { repositories: page.items });
    },
  });
}

export function serveReferrers(
  { store, pageLength }: ListsContext,
  exchange: Exchange,
  repository: RepositoryName,
  subject: Digest | SecondName,
): Promise<FastifyReply> {
  return byMethod(exchange, {
    GET: async () => {
      const { reply, query } = exchange;
      const artifactType = query.get('artifactType') || undefined;
      const page = await store.listReferrers(
        repository,
        subject,
        artifactType,
        pageQuery(exchange, pageLength),
      );
      linkNext(exchange, page, page.items.at(-1)?.digest);
      if (artifactType !== undefined) reply.header('oci-filters-applied', 'artifactType');
      const manifests = page.items.map(({ annotations, ...referrer }) => ({
        ...referrer,
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      }));
      return sendJson(reply, { schemaVersion: 2, mediaType: indexType, manifests }, indexType);
    },
  });
}

/** @throws Fault PAGE_INVALID */
function pageQuery({ query }: Exchange, pageLength: number): PageQuery {
  const wanted = query.get('n');
  if (wanted !== null && !/^\d{1,15}$/.test(wanted)) {
    throw registryFault('PAGE_INVALID', 'n must be the maximum number of entries in a page');
  }
  return {
    after: query.get('last') ?? '',
    limit: Math.min(pageLength, wanted === null ? pageLength : Number(wanted)),
  };
}

function linkNext(
  { request, reply, query }: Exchange,
  { hasMore, items }: Page<unknown>,
  last: string | undefined,
): void {
  if (!hasMore || last === undefined) return;
  const next = new URLSearchParams(query);
  next.set('n', query.get('n') ?? String(items.length));
  next.set('last', last);
  reply.header('link', `<${request.url.split('?', 1)[0]}?${next}>; rel="next"`);
}
