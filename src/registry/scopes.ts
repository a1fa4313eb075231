/**
 * The scopes of a token, requested and granted: `repository:ns/app:pull,push`. Source: distribution's
 * docs/spec/auth/scope.md and token.md.
 */
import { isRepositoryName, type RepositoryName } from '../content/index.ts';
import { registryFault } from './faults.ts';
import type { RegistryRight } from './types.ts';

interface TokenScope {
  readonly repository: RepositoryName;
  readonly rights: readonly RegistryRight[];
}

export interface AskedScopes {
  readonly repositories: readonly TokenScope[];
  readonly catalog: boolean;
}

const maxScopes = 32;
const maxLength = 4096;

/**
 * Each text can have several scopes, separated by blanks. Ignores impossible names and actions: clients request more
 * than they need, and the answer tells them what they got.
 * @throws Fault SCOPE_INVALID
 */
export function parseScopes(texts: readonly string[]): AskedScopes {
  const scopes = texts.flatMap((text) => text.split(' ')).filter((text) => text !== '');
  if (scopes.length > maxScopes || scopes.some((scope) => scope.length > maxLength)) {
    throw registryFault('SCOPE_INVALID', `a token can have at most ${maxScopes} scopes`);
  }
  const rights = new Map<RepositoryName, Set<RegistryRight>>();
  let catalog = false;
  for (const scope of scopes) {
    const [, type, name = '', actions = ''] = /^([a-z]+)(?:\([^)]*\))?:(.*):([^:]*)$/.exec(scope) ?? [];
    if (type === 'registry' && name === 'catalog') catalog = true;
    if (type !== 'repository' || !isRepositoryName(name)) continue;
    const asked = rights.get(name) ?? new Set();
    for (const action of actions.split(',')) for (const right of rightsOf(action)) asked.add(right);
    rights.set(name, asked);
  }
  return {
    repositories: [...rights].map(([repository, asked]) => ({ repository, rights: [...asked] })),
    catalog,
  };
}

/** Formats a scope for a challenge. */
export function scopeText(repository: RepositoryName, right: RegistryRight): string {
  return `repository:${repository}:${right === 'push' ? 'pull,push' : 'pull'}`;
}

function rightsOf(action: string): readonly RegistryRight[] {
  if (action === '*') return ['pull', 'push'];
  if (action === 'delete') return ['push'];
  return action === 'pull' || action === 'push' ? [action] : [];
}
