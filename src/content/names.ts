/**
 * Names in a registry. The first part of a repository's name is its namespace. A valid name can't leave a folder, a
 * URL or a header. Source: OCI distribution-spec v1.1, "Pulling manifests".
 */
import { type Digest, isDigest } from '../blobs/index.ts';
import { registryStoreFault } from './faults.ts';

declare const repositoryBrand: unique symbol;
declare const tagBrand: unique symbol;

/** `namespace/name`, possibly with further parts; checked. */
export type RepositoryName = string & { readonly [repositoryBrand]: true };
/** Checked. */
export type Tag = string & { readonly [tagBrand]: true };

/** The length that clients accept together with a host name. */
const longest = 255;
const part = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryForm = new RegExp(`^${part}(?:/${part})+$`);
const tagForm = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= longest && repositoryForm.test(text);
}

/** @throws Fault REPOSITORY_INVALID */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  throw registryStoreFault(
    'REPOSITORY_INVALID',
    `not the name of a repository: ${JSON.stringify(text.slice(0, 100))}: it is NAMESPACE/NAME of lower-case ` +
      `letters and digits, with single . _ - or __ between them, of at most ${longest} characters`,
  );
}

export function isTag(text: string): text is Tag {
  return tagForm.test(text);
}

/** @throws Fault TAG_INVALID */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw registryStoreFault('TAG_INVALID', `not a tag: ${JSON.stringify(text.slice(0, 150))}`);
}

/** The namespace that a repository belongs to. */
export function namespaceOfRepository(repository: RepositoryName): string {
  return repository.slice(0, repository.indexOf('/'));
}

export interface PushedReference {
  readonly repository: RepositoryName;
  readonly reference: Tag | Digest;
}

/**
 * Parses `ns/app`, `ns/app:tag`, `ns/app@digest`; undefined for any other text. The default tag is `latest`, and a
 * tag beside a digest is ignored.
 */
export function parsePushedReference(text: string): PushedReference | undefined {
  const [name = '', digest] = text.split('@', 2);
  const colon = name.indexOf(':');
  const repository = colon === -1 ? name : name.slice(0, colon);
  const tag = colon === -1 ? 'latest' : name.slice(colon + 1);
  if (!isRepositoryName(repository) || !isTag(tag)) return undefined;
  if (digest === undefined) return { repository, reference: tag };
  return isDigest(digest) ? { repository, reference: digest } : undefined;
}
