/**
 * Domains of namespaces. A claim is proved when DNS has the token that only its namespace was told. Then Ward serves that name
 * with the namespace's web actions or its API. Several namespaces can claim one name, so nobody can keep a name that they have
 * not proved.
 */
import type { Domain } from '../../answers/index.ts';
import { type JsonObject, type Log, randomHex } from '../../lib/index.ts';
import type { DomainRow, DomainStore, DomainTarget } from '../../store/index.ts';
import type { Forgetful } from '../entities/changed.ts';
import { type NamespaceName, parseEntityName, parseNamespaceName } from '../entities/names.ts';
import { given } from '../entities/put-fields.ts';
import { concurrentUpdate, functionFault, malformed, notFound } from '../faults.ts';
import { parseBasePath } from '../gateway/api-document-paths.ts';
import { challengeNameOf, type DomainName, isAtServer, nameInHost, parseDomainName } from './domain-name.ts';
import { DomainTable, type ProvedDomain, type ServedDomain } from './domain-table.ts';
import { challengeTexts, requireProof } from './proof.ts';
import { type ResolveTxt, txtResolverOf } from './txt-records.ts';

export interface DomainRules {
  /** Names of the server, besides the one in its URL. */
  readonly ownNames: readonly string[];
  readonly resolveTxt: ResolveTxt;
  /** Undefined: Ward gets none from an authority. */
  readonly certificateOf?:
    | ((domain: Pick<ProvedDomain, 'name' | 'namespace'>) => Promise<DomainCertificate | undefined>)
    | undefined;
}

/** What Ward gets for a domain from an authority. Times are epoch milliseconds. */
export interface DomainCertificate {
  readonly issuer: string | null;
  /** Its end. Null until there is one. */
  readonly until: number | null;
  readonly triedAt: number | null;
  /** Attempts that have failed since the last success. */
  readonly failures: number;
  /** Why the last attempt has failed, or why Ward makes none. */
  readonly error: string | null;
  /** When Ward tries to get the next one. Null: not before other domains make room. */
  readonly nextTryAt: number | null;
}

export interface DomainService {
  list(namespace: NamespaceName): Promise<readonly Domain[]>;
  /** @throws Fault DOMAIN_INVALID, NOT_FOUND */
  get(namespace: NamespaceName, name: string): Promise<Domain>;
  /**
   * Claims a domain, or changes what it serves.
   * @param body `{"package": …}` or `{"api": …}`
   * @throws Fault DOMAIN_INVALID, DOMAIN_RESERVED, DOMAINS_EXHAUSTED, BODY_INVALID, NAME_INVALID, API_INVALID
   */
  put(namespace: NamespaceName, name: string, body: JsonObject): Promise<Domain>;
  /**
   * Asks DNS for the proof, unless it was there before.
   * @throws Fault DOMAIN_INVALID, DOMAIN_RESERVED, DOMAIN_UNPROVED, DOMAIN_TAKEN, DOMAIN_UNRESOLVED, DOMAIN_BUSY,
   * CONCURRENT_UPDATE, NOT_FOUND
   */
  verify(namespace: NamespaceName, name: string): Promise<Domain>;
  /** @throws Fault DOMAIN_INVALID, NOT_FOUND */
  delete(namespace: NamespaceName, name: string): Promise<void>;
  /** The proved domain that a request with this `Host` is for. Never asks the store. */
  served(host: string): ServedDomain | undefined;
  /** Calls `watcher` with all proved domains, now and when they have changed. */
  watch(watcher: (domains: readonly ProvedDomain[]) => void): Disposable;
  /** Reads all proved domains. Call it before requests come. */
  load(): Promise<void>;
}

/** Claims of a namespace, proved or not. */
const mostDomains = 50;

interface DomainOptions {
  readonly store: DomainStore;
  readonly apiHost: () => string;
  readonly rules?: DomainRules | undefined;
  readonly log: Log;
}

export function createDomains(options: DomainOptions): DomainService & Forgetful & Disposable {
  const { store, apiHost, rules, log } = options;
  const { ownNames = [], resolveTxt = txtResolverOf(), certificateOf } = rules ?? {};
  const table = new DomainTable(store, log);
  const isReserved = (name: string) => isAtServer(name, [...ownNames, hostOf(apiHost())]);
  /** Namespaces whose proof DNS is asked for. */
  const asking = new Set<string>();
  const shown = async (row: DomainRow): Promise<Domain> => {
    const isServed = row.provedAt !== null && !isReserved(row.name);
    const namespace = parseNamespaceName(row.namespace);
    const certificate = isServed ? await certificateOf?.({ name: row.name, namespace }) : undefined;
    return { ...describe(row), certificate: certificate === undefined ? null : { ...certificate } };
  };
  const find = async (namespace: string, name: DomainName) => {
    const row = await store.get(namespace, name);
    if (row === undefined) throw notFound();
    return row;
  };
  const written = async (name: string) => {
    // If it can't be read now, the table tries again later.
    await table.reload(new Set([name])).catch(() => {});
  };
  const parseForeign = (text: string) => {
    const name = parseDomainName(text);
    if (!isReserved(name)) return name;
    throw functionFault('DOMAIN_RESERVED', `${name} is the server's own name, or is above it`);
  };
  return {
    list: async (namespace) => Promise.all((await store.list(namespace)).map(shown)),
    get: async (namespace, text) => shown(await find(namespace, parseDomainName(text))),
    async put(namespace, text, body) {
      const name = parseForeign(text);
      const claim = { namespace, name, token: randomHex(16), target: targetIn(body) };
      const stored = await store.put({ ...claim, createdAt: Date.now(), provedAt: null }, mostDomains);
      if (stored === undefined) {
        throw functionFault(
          'DOMAINS_EXHAUSTED',
          `the namespace '${namespace}' has ${mostDomains} domains already`,
          { hint: 'Delete one that is not needed.' },
        );
      }
      await written(name);
      return shown(stored);
    },
    async verify(namespace, text) {
      const name = parseForeign(text);
      const claim = await find(namespace, name);
      if (claim.provedAt !== null) return shown(claim);
      if (asking.has(namespace)) {
        throw functionFault('DOMAIN_BUSY', `DNS is being asked about a domain of '${namespace}'`, {
          ...{ hint: 'Try again when it has answered.', retryAfterMs: 1000 },
        });
      }
      asking.add(namespace);
      try {
        const texts = await challengeTexts(name, resolveTxt);
        const owner = await store.owner(name);
        requireProof(texts, name, claim, owner);
        const provedAt = Date.now();
        if (!(await store.prove(claim, owner, provedAt))) throw concurrentUpdate();
        await written(name);
        return shown({ ...claim, provedAt });
      } finally {
        asking.delete(namespace);
      }
    },
    async delete(namespace, text) {
      const name = parseDomainName(text);
      if (!(await store.delete(namespace, name))) throw notFound();
      await written(name);
    },
    served(host) {
      const found = table.find(host);
      // The operator may have given the server this name later.
      return found === undefined || isReserved(found.name) ? undefined : found;
    },
    watch: (watcher) => table.watch((domains) => watcher(domains.filter(({ name }) => !isReserved(name)))),
    load: () => table.reload('all'),
    forget: (changed) => table.forget(changed),
    [Symbol.dispose]: () => table[Symbol.dispose](),
  };
}

/** The host in a URL; '' before the server has one. */
function hostOf(url: string): string {
  return nameInHost(URL.parse(url)?.hostname ?? '');
}

/** @throws Fault BODY_INVALID, NAME_INVALID, API_INVALID */
function targetIn(body: JsonObject): DomainTarget {
  const text = (field: string) => (value: unknown) => {
    if (typeof value === 'string') return value;
    throw malformed(`'${field}' must be a string`);
  };
  const inPackage = given(body, 'package', text('package'));
  const basePath = given(body, 'api', text('api'));
  if (inPackage !== undefined && basePath === undefined)
    return { kind: 'package', package: parseEntityName(inPackage) };
  if (basePath !== undefined && inPackage === undefined)
    return { kind: 'api', basePath: parseBasePath(basePath) };
  throw malformed("a domain has either a 'package' or an 'api'");
}

function describe({ name, token, target, createdAt, provedAt }: DomainRow): Omit<Domain, 'certificate'> {
  return {
    name,
    ...(target.kind === 'package' ? { package: target.package } : { api: target.basePath }),
    isProved: provedAt !== null,
    createdAt,
    provedAt,
    challenge: { type: 'TXT', name: challengeNameOf(parseDomainName(name)), value: token },
  };
}
