/**
 * Parses a path below `/v2/`, starting from its end, because names of repositories contain slashes. Source: OCI
 * distribution-spec v1.1, "Endpoints".
 */
import { type Digest, parseAnyDigest, type SecondName } from '../blobs/index.ts';
import { isTag, parseRepositoryName, type RepositoryName, type Tag } from '../content/index.ts';
import { registryFault } from './faults.ts';
import type { RegistryRight } from './types.ts';

export type Target =
  | { readonly of: 'base' }
  | { readonly of: 'catalog' }
  | { readonly of: 'token' }
  | { readonly of: 'uploads'; readonly repository: RepositoryName }
  | { readonly of: 'upload'; readonly repository: RepositoryName; readonly id: string }
  | { readonly of: 'blob'; readonly repository: RepositoryName; readonly digest: Digest | SecondName }
  | {
      readonly of: 'manifest';
      readonly repository: RepositoryName;
      readonly text: string;
      /** Undefined when the text is none of these. */
      readonly reference: Tag | Digest | SecondName | undefined;
    }
  | { readonly of: 'tags'; readonly repository: RepositoryName }
  | { readonly of: 'referrers'; readonly repository: RepositoryName; readonly digest: Digest | SecondName };

const alone: Readonly<Record<string, Target>> = {
  '': { of: 'base' },
  _catalog: { of: 'catalog' },
  token: { of: 'token' },
};

/**
 * @param path decoded, without `/v2/`
 * @throws Fault ENDPOINT_UNKNOWN, REPOSITORY_INVALID, DIGEST_INVALID
 */
export function parseTarget(path: string): Target {
  const only = Object.hasOwn(alone, path) ? alone[path] : undefined;
  if (only !== undefined) return only;
  const parts = path.split('/');
  const last = parts.at(-1) ?? '';
  const repository = (below: number) => parseRepositoryName(parts.slice(0, -below).join('/'));
  switch (parts.slice(-3, -1).join('/')) {
    case 'blobs/uploads':
      if (last === '') return { of: 'uploads', repository: repository(3) };
      return { of: 'upload', repository: repository(3), id: last };
  }
  switch (parts.at(-2)) {
    case 'blobs':
      if (last === 'uploads') return { of: 'uploads', repository: repository(2) };
      return { of: 'blob', repository: repository(2), digest: parseAnyDigest(last) };
    case 'manifests':
      return { of: 'manifest', repository: repository(2), text: last, reference: referenceOf(last) };
    case 'tags':
      if (last === 'list') return { of: 'tags', repository: repository(2) };
      break;
    case 'referrers':
      return { of: 'referrers', repository: repository(2), digest: parseAnyDigest(last) };
  }
  throw registryFault('ENDPOINT_UNKNOWN', 'the registry has nothing at this path');
}

/** Reading the progress of an upload needs the right to push: the client is about to continue it. */
export function rightFor({ of }: Target, method: string): RegistryRight {
  const isRead = method === 'GET' || method === 'HEAD';
  return isRead && of !== 'uploads' && of !== 'upload' ? 'pull' : 'push';
}

/** @throws Fault DIGEST_INVALID */
function referenceOf(text: string): Tag | Digest | SecondName | undefined {
  if (text.includes(':')) return parseAnyDigest(text);
  return isTag(text) ? text : undefined;
}
