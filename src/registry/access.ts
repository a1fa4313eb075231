/**
 * Decides about access. A repository `ns/…` belongs to its namespace, whose keys pull and push there within their
 * scopes. Everyone can pull from repositories with a public prefix. A request has a key (Basic), a token (Bearer)
 * that was issued for a key, or neither.
 */
import {
  namespaceOfRepository,
  type RegistryStore,
  type RepositoryName,
  type WhichBlobs,
} from '../content/index.ts';
import { BoundedMap } from '../lib/index.ts';
import { registryFault } from './faults.ts';
import type { AskedScopes } from './scopes.ts';
import type { Grants, Tokens } from './tokens.ts';
import type { OwnerOf, RegistryCaller, RegistryRight } from './types.ts';

interface AccessOptions {
  readonly store: Pick<RegistryStore, 'forgetNamespace'>;
  readonly tokens: Tokens;
  /** @throws Fault of the kind 'unauthenticated' */
  readonly authenticate: (header: string | undefined) => RegistryCaller | Promise<RegistryCaller>;
  readonly ownerOf: OwnerOf;
  readonly publicPrefixes: readonly string[];
  /** Whether clients without a key can pull from public repositories. */
  readonly anonymousPull: boolean;
}

export interface Visitor {
  /** Undefined when it has no key. */
  readonly namespace: string | undefined;
  readonly keyId: string | undefined;
  readonly person?: string | undefined;
  /** `ask`: not with this token, but another one could have the right. */
  judge(right: RegistryRight, repository: RepositoryName): 'yes' | 'no' | 'ask';
  /** Prefixes of the repositories that it can list; undefined when it needs another token for that. */
  readonly catalog: readonly string[] | undefined;
}

export interface Access {
  /** @throws Fault CREDENTIALS_NEEDED, and those of authentication */
  visitor(authorization: string | undefined): Promise<Visitor>;
  /** @throws Fault CREDENTIALS_NEEDED, PULL_DENIED, PUSH_DENIED */
  check(visitor: Visitor, right: RegistryRight, repository: RepositoryName): void;
  /** Returns the part of the requested scopes that this key, or no key, is granted. @throws Fault CREDENTIALS_NEEDED */
  grant(authorization: string | undefined, asked: AskedScopes): Promise<Grants>;
}

const maxKnown = 10_000;

export function createAccess(options: AccessOptions): Access {
  return new NamespaceAccess(options);
}

class NamespaceAccess implements Access {
  readonly #options: AccessOptions;
  /** Creation times of namespaces whose earlier owners' content is gone. */
  readonly #known = new BoundedMap<string, number>(maxKnown);

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  async visitor(authorization: string | undefined): Promise<Visitor> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token !== undefined) return this.#withToken(token);
    if (authorization === undefined) return this.#withoutKey();
    return this.#withKey(await this.#callerOf(authorization));
  }

  check(visitor: Visitor, right: RegistryRight, repository: RepositoryName): void {
    const judgement = visitor.judge(right, repository);
    if (judgement === 'yes') return;
    if (judgement === 'ask') throw credentialsNeeded(`log in with a key that can ${right} ${repository}`);
    const code = right === 'pull' ? 'PULL_DENIED' : 'PUSH_DENIED';
    const { namespace } = visitor;
    const how = namespace === undefined ? 'without a key' : `with this key of ${namespace}`;
    throw registryFault(code, `may not ${right} ${repository} ${how}`);
  }

  async grant(authorization: string | undefined, { repositories, catalog }: AskedScopes): Promise<Grants> {
    const caller = authorization === undefined ? undefined : await this.#callerOf(authorization);
    if (caller === undefined && !this.#options.anonymousPull)
      throw credentialsNeeded('log in with a key to get a token');
    return {
      ...(caller === undefined
        ? {}
        : { sub: caller.namespace, createdAt: caller.createdAt, keyId: caller.keyId }),
      access: repositories.map(({ repository, rights }) => ({
        type: 'repository' as const,
        name: repository,
        actions: rights.filter((right) => this.#may(caller, right, repository)),
        refused: rights.filter((right) => !this.#may(caller, right, repository)),
      })),
      catalog: catalog ? this.#catalogOf(caller) : undefined,
    };
  }

  async #withToken(token: string): Promise<Visitor> {
    const grants = this.#options.tokens.verify(token);
    if (grants === undefined) throw credentialsNeeded('the token is no longer valid');
    const { sub, createdAt, keyId } = grants;
    let person: string | undefined;
    if (sub !== undefined || keyId !== undefined) {
      const owner = keyId === undefined ? undefined : await this.#options.ownerOf(keyId);
      if (owner === undefined || owner.namespace !== sub || owner.createdAt !== createdAt)
        throw credentialsNeeded('the key of this token was revoked');
      await this.#welcome(owner.namespace, owner.createdAt);
      person = owner.person;
    }
    return { ...visitorWith(grants, (repository) => this.#isPublic(repository)), person };
  }

  #withoutKey(): Visitor {
    return {
      namespace: undefined,
      keyId: undefined,
      judge: (right, repository) => (this.#may(undefined, right, repository) ? 'yes' : 'ask'),
      catalog: undefined,
    };
  }

  #withKey(caller: RegistryCaller): Visitor {
    return {
      namespace: caller.namespace,
      keyId: caller.keyId,
      person: caller.person,
      judge: (right, repository) => (this.#may(caller, right, repository) ? 'yes' : 'no'),
      catalog: this.#catalogOf(caller),
    };
  }

  async #callerOf(authorization: string): Promise<RegistryCaller> {
    const caller = await this.#options.authenticate(authorization);
    await this.#welcome(caller.namespace, caller.createdAt);
    return caller;
  }

  /** Removes content of an earlier namespace with this name: a new namespace starts empty. */
  async #welcome(namespace: string, createdAt: number): Promise<void> {
    if (this.#known.get(namespace) === createdAt) return;
    await this.#options.store.forgetNamespace(namespace, createdAt);
    this.#known.set(namespace, createdAt);
  }

  #may(caller: RegistryCaller | undefined, right: RegistryRight, repository: RepositoryName): boolean {
    if (right === 'pull' && this.#isPublic(repository))
      return caller !== undefined || this.#options.anonymousPull;
    return namespaceOfRepository(repository) === caller?.namespace && caller.may(right, repository);
  }

  #isPublic(repository: string): boolean {
    return this.#options.publicPrefixes.some((prefix) => repository.startsWith(prefix));
  }

  #catalogOf(caller: RegistryCaller | undefined): readonly string[] {
    const { publicPrefixes } = this.#options;
    const own = `${caller?.namespace}/`;
    return caller?.may('pull', own) ? [own, ...publicPrefixes] : publicPrefixes;
  }
}

/** Which blobs of a repository that it can pull from a visitor sees: those that the gate has not judged are for pushers. */
export function blobsShownTo(visitor: Visitor, repository: RepositoryName): WhichBlobs {
  return visitor.judge('push', repository) === 'yes' ? 'any' : 'accepted';
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
