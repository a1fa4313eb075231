/**
 * Who may do what. A repository `ns/…` is its namespace's: the namespace's keys pull and push there, as far as their
 * scopes go. Repositories with a public prefix are for everybody to pull. A request has a key (Basic), a token
 * (Bearer) that was given for a key, or nothing.
 */
import { namespaceOfRepository, type RegistryStore, type RepositoryName } from '../content/index.ts';
import { BoundedMap } from '../lib/index.ts';
import { registryFault } from './faults.ts';
import type { AskedScopes } from './scopes.ts';
import type { Grants, Tokens } from './tokens.ts';
import type { RegistryCaller, RegistryRight } from './types.ts';

interface AccessOptions {
  readonly store: Pick<RegistryStore, 'forgetNamespace'>;
  readonly tokens: Tokens;
  /** @throws Fault of the kind 'unauthenticated' */
  readonly authenticate: (header: string | undefined) => RegistryCaller | Promise<RegistryCaller>;
  readonly publicPrefixes: readonly string[];
  /** Public repositories are for those without a key, too. */
  readonly anonymousPull: boolean;
}

export interface Visitor {
  /** Undefined: it has no key. */
  readonly namespace: string | undefined;
  readonly keyId: string | undefined;
  /** `ask`: not with this token; with another one, perhaps. */
  judge(right: RegistryRight, repository: RepositoryName): 'yes' | 'no' | 'ask';
  /** What the names of repositories that it may list begin with; undefined: another token may say. */
  readonly catalog: readonly string[] | undefined;
}

export interface Access {
  /** @throws Fault CREDENTIALS_NEEDED, and those of authentication */
  visitor(authorization: string | undefined): Promise<Visitor>;
  /** @throws Fault CREDENTIALS_NEEDED, PULL_DENIED, PUSH_DENIED */
  check(visitor: Visitor, right: RegistryRight, repository: RepositoryName): void;
  /** What a token for this key, or for nobody, may do of what was asked. @throws Fault CREDENTIALS_NEEDED */
  grant(authorization: string | undefined, asked: AskedScopes): Promise<Grants>;
}

/** Names of namespaces whose earlier owners are known to be gone. */
const maxKnown = 10_000;

export function createAccess(options: AccessOptions): Access {
  const { store, tokens, authenticate, publicPrefixes, anonymousPull } = options;
  const isPublic = (repository: string) => publicPrefixes.some((prefix) => repository.startsWith(prefix));
  const known = new BoundedMap<string, number>(maxKnown);
  /** A namespace that was made anew starts empty. */
  const welcome = async (namespace: string, createdAt: number): Promise<void> => {
    if (known.get(namespace) === createdAt) return;
    await store.forgetNamespace(namespace, createdAt);
    known.set(namespace, createdAt);
  };
  const callerOf = async (authorization: string): Promise<RegistryCaller> => {
    const caller = await authenticate(authorization);
    await welcome(caller.namespace, caller.createdAt);
    return caller;
  };
  const may = (
    caller: RegistryCaller | undefined,
    right: RegistryRight,
    repository: RepositoryName,
  ): boolean => {
    if (right === 'pull' && isPublic(repository)) return caller !== undefined || anonymousPull;
    return namespaceOfRepository(repository) === caller?.namespace && caller.may(right, repository);
  };
  const catalogOf = (caller: RegistryCaller | undefined): readonly string[] => {
    const own = `${caller?.namespace}/`;
    return caller?.may('pull', own) ? [own, ...publicPrefixes] : publicPrefixes;
  };
  return {
    async visitor(authorization) {
      const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
      if (token !== undefined) {
        const grants = tokens.verify(token);
        if (grants === undefined) throw credentialsNeeded('the token is not valid any more');
        const { sub, createdAt } = grants;
        if (sub !== undefined && createdAt !== undefined) await welcome(sub, createdAt);
        return visitorWith(grants, isPublic);
      }
      if (authorization === undefined) {
        return {
          namespace: undefined,
          keyId: undefined,
          judge: (right, repository) => (may(undefined, right, repository) ? 'yes' : 'ask'),
          catalog: undefined,
        };
      }
      const caller = await callerOf(authorization);
      return {
        namespace: caller.namespace,
        keyId: caller.keyId,
        judge: (right, repository) => (may(caller, right, repository) ? 'yes' : 'no'),
        catalog: catalogOf(caller),
      };
    },
    check(visitor, right, repository) {
      const judgement = visitor.judge(right, repository);
      if (judgement === 'yes') return;
      if (judgement === 'ask') throw credentialsNeeded(`to ${right} ${repository} takes a key that may`);
      const whose =
        visitor.namespace === undefined ? 'without a key' : `with this key of ${visitor.namespace}`;
      throw registryFault(
        right === 'pull' ? 'PULL_DENIED' : 'PUSH_DENIED',
        `may not ${right} ${repository} ${whose}`,
      );
    },
    async grant(authorization, { repositories, catalog }) {
      const caller = authorization === undefined ? undefined : await callerOf(authorization);
      if (caller === undefined && !anonymousPull) throw credentialsNeeded('a token is given for a key');
      return {
        ...(caller === undefined
          ? {}
          : { sub: caller.namespace, createdAt: caller.createdAt, keyId: caller.keyId }),
        access: repositories.map(({ repository, rights }) => ({
          type: 'repository' as const,
          name: repository,
          actions: rights.filter((right) => may(caller, right, repository)),
          refused: rights.filter((right) => !may(caller, right, repository)),
        })),
        catalog: catalog ? catalogOf(caller) : undefined,
      };
    },
  };
}

function visitorWith(
  { sub, keyId, access, catalog }: Grants,
  isPublic: (repository: string) => boolean,
): Visitor {
  return {
    namespace: sub,
    keyId,
    judge(right, repository) {
      const grant = access.find(({ name }) => name === repository);
      if (grant?.actions.includes(right)) return 'yes';
      if (grant?.refused.includes(right)) return sub === undefined ? 'ask' : 'no';
      const canBe = namespaceOfRepository(repository) === sub || (right === 'pull' && isPublic(repository));
      return sub === undefined || canBe ? 'ask' : 'no';
    },
    catalog,
  };
}

function credentialsNeeded(message: string) {
  return registryFault('CREDENTIALS_NEEDED', message);
}
