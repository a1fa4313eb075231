/**
 * APIs of the gateway: one document per base path of a namespace, kept as its owner sent it. The routes of a
 * namespace are compiled once, until one of its documents changes.
 */
import { isFault, isJsonObject, type JsonObject, randomHex } from '../../lib/index.ts';
import type { ApiRow, ApiStore } from '../../store/index.ts';
import { createBoundedCache } from '../entities/bounded-cache.ts';
import type { Forgetful } from '../entities/changed.ts';
import type { NamespaceName } from '../entities/names.ts';
import { concurrentUpdate, functionFault } from '../faults.ts';
import { parseApiDocument } from './api-document.ts';
import { apiInvalid } from './api-document-paths.ts';
import { compileRoutes, type RouteMatch, type Routes } from './api-document-routes.ts';
import { type ApiDescription, type ApiVerb, apiLimits } from './api-document-types.ts';

export interface StoredApi {
  readonly basePath: string;
  readonly title: string;
  readonly document: JsonObject;
}

/** Where a request to the gateway leads. */
export type ApiRoute = RouteMatch & {
  /** Setting of the API that the path belongs to. */
  readonly cors: boolean | undefined;
};

export interface ApiService extends Forgetful {
  /** All APIs of a namespace, in the order of their base paths. */
  list(namespace: NamespaceName): Promise<readonly StoredApi[]>;
  /**
   * Makes a document from the existing one (undefined if there is none) and stores it in its place.
   * @throws Fault API_INVALID, NAME_INVALID, API_TOO_LARGE, CONCURRENT_UPDATE, and what `change` throws
   */
  put(
    namespace: NamespaceName,
    basePath: string,
    change: (document: JsonObject | undefined) => JsonObject,
  ): Promise<StoredApi>;
  delete(namespace: NamespaceName, basePath: string): Promise<void>;
  /**
   * Finds the route. Synchronous if the namespace's APIs were used recently. If several APIs have the path, the one
   * with the longest base path wins.
   * @param segments segments of the path, including the base path, decoded
   * @param only the base path of the only API that counts. Absent: all count
   * @throws Fault STORED_ENTITY_CORRUPT
   */
  route(
    namespace: NamespaceName,
    segments: readonly string[],
    verb: ApiVerb,
    only?: string,
  ): ApiRoute | Promise<ApiRoute>;
}

interface CompiledApi {
  readonly basePath: string;
  readonly base: readonly string[];
  readonly cors: boolean | undefined;
  readonly routes: Routes;
}

/** Number of namespaces whose routes are cached. */
const cacheCapacity = 500;
/** Tries of a write when others write at the same time. */
const maxTries = 5;

export function createApis(store: ApiStore): ApiService {
  const cache = createBoundedCache<readonly CompiledApi[]>(cacheCapacity);
  return {
    async list(namespace) {
      return (await store.list(namespace)).map(storedApi);
    },
    async put(namespace, basePath, change) {
      for (let tries = 0; tries < maxTries; tries++) {
        const row = await store.get(namespace, basePath);
        const document = change(row?.document);
        if (parseApiDocument(document, namespace).basePath !== basePath)
          throw apiInvalid(`The base path is not '${basePath}'.`);
        await checkSize(store, namespace, basePath, document);
        const next = { namespace, basePath, revision: randomHex(16), updatedAt: Date.now(), document };
        const isWritten = await store.put(next, row?.revision ?? null);
        cache.drop(namespace);
        if (isWritten) return storedApi(next);
      }
      throw concurrentUpdate();
    },
    async delete(namespace, basePath) {
      await store.delete(namespace, basePath);
      cache.drop(namespace);
    },
    route(namespace, segments, verb, only) {
      const routeIn = (apis: readonly CompiledApi[]) =>
        routeAmong(
          only === undefined ? apis : apis.filter(({ basePath }) => basePath === only),
          segments,
          verb,
        );
      const known = cache.get(namespace);
      if (known !== undefined) return routeIn(known);
      return cache
        .load(namespace, async () => compile(await store.list(namespace), namespace))
        .then((apis) => routeIn(apis ?? []));
    },
    forget: (changed) =>
      cache.dropWhere((_, namespace) => changed === undefined || changed.apis.has(namespace)),
  };
}

function routeAmong(apis: readonly CompiledApi[], segments: readonly string[], verb: ApiVerb): ApiRoute {
  let best: ApiRoute = { kind: 'none', cors: undefined };
  for (const { base, cors, routes } of apis) {
    if (!base.every((segment, at) => segments[at] === segment)) continue;
    const match = routes(segments.slice(base.length), verb);
    if (match.kind === 'operation') return { ...match, cors };
    if (match.kind === 'verbs' && best.kind === 'none') best = { ...match, cors };
  }
  return best;
}

/**
 * Compiles the longest base path first. Undefined if there are no APIs, so that nothing is cached for invented
 * namespaces.
 */
function compile(rows: readonly ApiRow[], namespace: NamespaceName): readonly CompiledApi[] | undefined {
  if (rows.length === 0) return undefined;
  return rows
    .map(({ document }) => {
      const description = readStored(document, namespace);
      const { basePath, cors } = description;
      return {
        basePath,
        base: basePath === '/' ? [] : basePath.slice(1).split('/'),
        cors,
        routes: compileRoutes(description),
      };
    })
    .toSorted((a, b) => b.base.length - a.base.length);
}

function readStored(document: JsonObject, namespace: NamespaceName): ApiDescription {
  try {
    return parseApiDocument(document, namespace);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    throw functionFault('STORED_ENTITY_CORRUPT', 'Resource is corrupted and cannot be read.', { cause });
  }
}

/** @throws Fault API_TOO_LARGE */
async function checkSize(
  store: ApiStore,
  namespace: NamespaceName,
  basePath: string,
  document: JsonObject,
): Promise<void> {
  const bytes = sizeOf(document);
  if (bytes > apiLimits.documentBytes) {
    throw functionFault(
      'API_TOO_LARGE',
      `API larger than allowed: ${bytes} > ${apiLimits.documentBytes} bytes.`,
    );
  }
  const others = (await store.list(namespace)).filter((row) => row.basePath !== basePath);
  const total = others.reduce((sum, row) => sum + sizeOf(row.document), bytes);
  if (total > apiLimits.namespaceBytes) {
    throw functionFault(
      'API_TOO_LARGE',
      `APIs of the namespace larger than allowed: ${total} > ${apiLimits.namespaceBytes} bytes.`,
    );
  }
}

function sizeOf(document: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(document));
}

function storedApi({ basePath, document }: ApiRow): StoredApi {
  const info = document['info'];
  const title = isJsonObject(info) ? info['title'] : undefined;
  return { basePath, title: typeof title === 'string' ? title : basePath, document };
}
