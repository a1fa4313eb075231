/** Names of entities as users type them: `hello`, `pack/hello`, `/ns/hello`, `/ns/pack/hello`, `/_/hello`. */
import { cliFault } from './faults.ts';

export const collections = ['actions', 'packages', 'rules', 'triggers'] as const;
export type Collection = (typeof collections)[number];

export interface EntityName {
  readonly namespace: string;
  /** `hello` or `pack/hello`. */
  readonly path: string;
  /** `/ns/[pack/]hello`. */
  readonly full: string;
  /** Path segments of the API, below `/api/v1`. */
  readonly segments: (collection: Collection) => string[];
}

/** The place that a list covers: a namespace, or a package in it. */
interface ListScope {
  readonly namespace: string;
  readonly package: string | undefined;
}

/** An action's name. @param namespace used when the name has none. @throws Fault NAME_INVALID */
export function parseEntityName(text: string, namespace: string): EntityName {
  return parse(text, namespace, 2, {
    what: 'the name of an action',
    hint: 'write NAME, PACKAGE/NAME, or /NAMESPACE/[PACKAGE/]NAME',
  });
}

/** The name of something that is in no package: a package, a trigger, a rule. @throws Fault NAME_INVALID */
export function parseSimpleName(text: string, namespace: string, noun: string): EntityName {
  return parse(text, namespace, 1, { what: `the name of a ${noun}`, hint: 'write NAME, or /NAMESPACE/NAME' });
}

/** `/ns`, `/ns/pack`, `pack`, or undefined. @throws Fault NAME_INVALID */
export function parseScope(text: string | undefined, namespace: string): ListScope {
  if (text === undefined) return { namespace, package: undefined };
  const parts = text.split('/');
  const [own, packages] = text.startsWith('/') ? [parts[1], parts.slice(2)] : [namespace, parts];
  const [packageName, ...tooMany] = packages.filter((part) => part !== '');
  if (!own || tooMany.length > 0 || [own, packageName].some((part) => isDot(part ?? '')))
    throw cliFault('NAME_INVALID', `'${text}' is neither a namespace nor a package`, {
      hint: 'write /NAMESPACE, PACKAGE or /NAMESPACE/PACKAGE',
    });
  return { namespace: own, package: packageName };
}

/** `parseScope` for what is in no package. The slash before a namespace is optional. @throws Fault NAME_INVALID */
export function parseNamespace(text: string | undefined, namespace: string): string {
  const name = text?.replace(/^\/|\/$/g, '');
  if (name === undefined) return namespace;
  if (name !== '' && !name.includes('/') && !isDot(name)) return name;
  throw cliFault('NAME_INVALID', `'${text}' is not a namespace`, { hint: 'write /NAMESPACE' });
}

function parse(
  text: string,
  namespace: string,
  most: number,
  words: { readonly what: string; readonly hint: string },
): EntityName {
  const parts = text.split('/');
  const isAbsolute = parts[0] === '';
  const [own, path] = isAbsolute ? [parts[1] ?? '', parts.slice(2)] : [namespace, parts];
  const isWrong = path.length < 1 || path.length > most;
  if (isWrong || [own, ...path].some((part) => part === '' || isDot(part)))
    throw cliFault('NAME_INVALID', `'${text}' is not ${words.what}`, { hint: words.hint });
  return {
    namespace: own,
    path: path.join('/'),
    full: `/${own}/${path.join('/')}`,
    segments: (collection) => ['namespaces', own, collection, ...path],
  };
}

function isDot(part: string): boolean {
  return part === '.' || part === '..';
}
