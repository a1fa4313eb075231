/**
 * Names of namespaces and entities. A parsed name is safe as a key of the store, in a log line and in an environment
 * variable: no control characters, no slash, no leading dot or dash.
 */
import { functionFault, malformed, notFound } from '../faults.ts';

declare const entityBrand: unique symbol;
declare const namespaceBrand: unique symbol;

export type EntityName = string & { readonly [entityBrand]: true };
export type NamespaceName = string & { readonly [namespaceBrand]: true };

/** The location of an entity: its namespace, its package if it is in one, and its name. */
export interface EntityRef {
  readonly namespace: NamespaceName;
  readonly package: EntityName | undefined;
  readonly name: EntityName;
}

/** A namespace, with the package that an encoded slash (`ns%2Fpkg`) may add. */
export interface NamespaceRef {
  readonly namespace: NamespaceName;
  readonly package: EntityName | undefined;
}

const maxLength = 256;
const pattern = /^(?:\w|\w[\w@ .&-]{0,254}[\w@.&-])$/;

export function isEntityName(text: string): text is EntityName {
  return pattern.test(text);
}

export function isNamespaceName(text: string): text is NamespaceName {
  return pattern.test(text) && text !== '_';
}

/** @throws Fault NAME_INVALID */
export function parseEntityName(text: string): EntityName {
  if (isEntityName(text)) return text;
  throw functionFault(
    'NAME_INVALID',
    text.length > maxLength
      ? `Name segement longer than allowed: ${text.length} > ${maxLength}.`
      : 'The name of the entity contains illegal characters.',
  );
}

/** @throws Fault NAME_INVALID */
export function parseNamespaceName(text: string): NamespaceName {
  if (isNamespaceName(text)) return text;
  throw namespaceFault(text);
}

/**
 * Parses the namespace segment of a path: `_` stands for the caller's own, and `ns/pkg` adds a package.
 * @throws Fault NAME_INVALID, NOT_FOUND
 */
export function parseNamespaceSegment(text: string, own: NamespaceName): NamespaceRef {
  if (text === '_' || text === own) return { namespace: own, package: undefined };
  const parts = text.split('/').filter((part) => part !== '');
  const [root, inner] = parts;
  if (root === undefined || !parts.every(isEntityName)) throw namespaceFault(text);
  if (parts.length > 2) throw notFound();
  return {
    namespace: root === '_' ? own : parseNamespaceName(root),
    package: inner === undefined ? undefined : parseEntityName(inner),
  };
}

/**
 * Parses a full name in a body: `/ns/[pkg/]name`, with `_` for the caller's namespace. The first slash is optional.
 * @throws Fault NAME_INVALID, BODY_INVALID for one without a namespace
 */
export function parseFullName(text: string, own: NamespaceName): EntityRef {
  const [root, ...rest] = text.replace(/^\//, '').split('/');
  if (root === undefined || rest.length === 0 || rest.length > 2) {
    throw malformed(
      'The fully qualified name of the entity must contain at least the namespace and the name of the entity.',
    );
  }
  const namespace = root === '_' ? own : parseNamespaceName(root);
  const [first = '', second] = rest;
  return second === undefined
    ? { namespace, package: undefined, name: parseEntityName(first) }
    : { namespace, package: parseEntityName(first), name: parseEntityName(second) };
}

/**
 * Parses a name in a composition: `name`, `pkg/name`, `ns/pkg/name`, or a full one with a leading slash. Undefined if
 * it is none of these.
 */
export function parseRelativeName(text: string, own: NamespaceName): EntityRef | undefined {
  const isFull = text.startsWith('/') || text.split('/').length === 3;
  try {
    return parseFullName(isFull ? text : `/_/${text}`, own);
  } catch {
    return undefined;
  }
}

/** `name` or `package/name`: an entity's key within its namespace. */
export function pathOf(ref: EntityRef): string {
  return ref.package === undefined ? ref.name : `${ref.package}/${ref.name}`;
}

/** `ns/[pkg/]name`. */
export function fullNameOf(ref: EntityRef): string {
  return `${ref.namespace}/${pathOf(ref)}`;
}

function namespaceFault(text: string) {
  return functionFault(
    'NAME_INVALID',
    text.length > maxLength
      ? `Namespace longer than allowed: ${text.length} > ${maxLength}.`
      : 'The namespace contains illegal characters.',
  );
}
