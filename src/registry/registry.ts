/**
 * The OCI distribution API (v1.1) below `/v2/`, as a Fastify plugin: all end-points, Docker's manifests, keys and
 * tokens. Handlers read bodies as streams, so the registry refuses a request before it reads the body.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RegistryStore } from '../content/index.ts';
import { actAs, type Log } from '../lib/index.ts';
import { type Access, createAccess, type Visitor } from './access.ts';
import { serveBlob } from './blobs.ts';
import { byMethod, type Exchange, sendJson } from './exchange.ts';
import { registryFault } from './faults.ts';
import { serveCatalog, serveReferrers, serveTags } from './lists.ts';
import { createManifestBudget, type ManifestBudget } from './manifest-body.ts';
import { serveManifest } from './manifests.ts';
import { refuse } from './refusal.ts';
import { parseTarget, rightFor, type Target } from './target.ts';
import { serveToken } from './token-endpoint.ts';
import { createTokens, type TokenKeys, type Tokens } from './tokens.ts';
import {
  defaultRegistryLimits,
  type OwnerOf,
  type PushGate,
  type RegistryCaller,
  type RegistryLimits,
} from './types.ts';
import { createUploadSlots, type UploadSlots } from './upload-slots.ts';
import { serveUpload, serveUploads } from './uploads.ts';

export interface RegistryOptions {
  readonly store: RegistryStore;
  /**
   * Returns the owner of the key in an `Authorization: Basic` header.
   * @throws Fault of the kind 'unauthenticated'
   */
  readonly authenticate: (header: string | undefined) => RegistryCaller | Promise<RegistryCaller>;
  /** Asked at each use of a token, so it should answer from a cache. */
  readonly ownerOf: OwnerOf;
  /** Sign its tokens. */
  readonly tokenKeys: () => TokenKeys;
  /** Undefined: the registry accepts everything well-formed. */
  readonly gate?: PushGate;
  /** Prefixes of the repositories that everyone can pull, such as `whisk.system/`. */
  readonly publicPrefixes?: readonly string[];
  /** Whether that needs no key. */
  readonly anonymousPull?: boolean;
  /** The URL of the server for clients, without a slash at its end; undefined when it is not configured. */
  readonly publicUrl?: () => string | undefined;
  readonly limits?: Partial<RegistryLimits>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

interface Context {
  readonly store: RegistryStore;
  readonly gate: PushGate | undefined;
  readonly access: Access;
  readonly tokens: Tokens;
  readonly budget: ManifestBudget;
  readonly slots: UploadSlots;
  readonly limits: RegistryLimits;
  readonly publicUrl: () => string | undefined;
  readonly log: Log;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Creates the plugin; register it without a prefix. */
export function createRegistry(options: RegistryOptions): (app: FastifyInstance) => void {
  const context = contextOf(options);
  const serve = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    let target: Target | undefined;
    try {
      target = parseTarget(pathOf(request));
      return await serveTarget(context, { request, reply }, target);
    } catch (error) {
      return refuse(context, { request, reply }, error, target);
    }
  };
  return (app) => {
    app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      scope.setErrorHandler((error, request, reply) => refuse(context, { request, reply }, error));
      scope.addHook('onRequest', (_request, reply, done) => {
        reply.headers({
          'docker-distribution-api-version': 'registry/2.0',
          'x-content-type-options': 'nosniff',
        });
        done();
      });
      const config = { access: 'own-check' } as const;
      for (const url of ['/v2', '/v2/*']) scope.route({ method: [...methods], url, config, handler: serve });
    });
  };
}

function contextOf(options: RegistryOptions): Context {
  const { store, gate, authenticate, ownerOf, now = Date.now } = options;
  const { publicPrefixes = [], anonymousPull = false } = options;
  const limits = { ...defaultRegistryLimits, ...options.limits };
  const tokens = createTokens(options.tokenKeys, limits.tokenLifetimeMs, now);
  return {
    store,
    gate,
    tokens,
    access: createAccess({ store, tokens, authenticate, ownerOf, publicPrefixes, anonymousPull }),
    budget: createManifestBudget(limits.manifestsInMemory),
    slots: createUploadSlots(limits),
    limits,
    publicUrl: options.publicUrl ?? (() => undefined),
    log: options.log,
  };
}

type Arrived = Pick<Exchange, 'request' | 'reply'>;

async function serveTarget(context: Context, arrived: Arrived, target: Target): Promise<FastifyReply> {
  const { store, access, limits } = context;
  const query = new URLSearchParams(arrived.request.url.split('?', 2)[1] ?? '');
  if (target.of === 'token') return serveToken(context, { ...arrived, query });
  const visitor = await access.visitor(arrived.request.headers.authorization);
  const exchange = { ...arrived, query, visitor };
  const lists = { store, pageLength: limits.pageLength };
  if (target.of === 'base') return serveBase(exchange);
  if (target.of === 'catalog') return serveCatalog(lists, exchange, mayList(visitor));
  const { method } = arrived.request;
  // Clients ask for blobs by HEAD before a push, and its answer has no message; their next request gets the refusal's
  // text.
  if (target.of === 'blob' && method === 'HEAD' && visitor.judge('pull', target.repository) === 'no') {
    throw registryFault('REFERENCE_UNKNOWN', 'this blob does not exist for this key');
  }
  access.check(visitor, rightFor(target, method), target.repository);
  const { namespace, keyId, person } = visitor;
  const who = [namespace ?? 'nobody', keyId, person].filter((part) => part !== undefined).join(' ');
  const { ip: from, id } = arrived.request;
  // The audit log names the client of each push and deletion.
  const act = (serve: () => Promise<FastifyReply>) => actAs({ who, from, request: id }, serve);
  switch (target.of) {
    case 'uploads':
      return serveUploads(context, exchange, target);
    case 'upload':
      return serveUpload(context, exchange, target);
    case 'blob':
      return act(() => serveBlob(store, exchange, target));
    case 'manifest':
      return act(() => serveManifest(context, exchange, target));
    case 'tags':
      return serveTags(lists, exchange, target.repository);
    case 'referrers':
      return serveReferrers(lists, exchange, target.repository, target.digest);
  }
}

/** Answers the first request of clients, which tells them how to log in. */
function serveBase(exchange: Exchange): Promise<FastifyReply> {
  const answer = () => {
    if (exchange.request.headers.authorization !== undefined) return sendJson(exchange.reply, {});
    throw registryFault('CREDENTIALS_NEEDED', 'log in with a key of a namespace');
  };
  return byMethod(exchange, { GET: answer, HEAD: answer });
}

/** @throws Fault CREDENTIALS_NEEDED */
function mayList({ catalog }: Visitor): readonly string[] {
  if (catalog !== undefined) return catalog;
  throw registryFault('CREDENTIALS_NEEDED', 'log in with a key to list repositories');
}

function pathOf({ params }: FastifyRequest): string {
  const rest = typeof params === 'object' && params !== null && '*' in params ? params['*'] : '';
  return typeof rest === 'string' ? rest : '';
}
