/** Finds the action that a path below `/web` names, and the wanted form of its result. */
import {
  type EntityRef,
  notFound,
  parseEntityName,
  parseNamespaceName,
  splitWebName,
  type WebExtension,
} from '../../functions/index.ts';

interface WebTarget {
  readonly action: EntityRef;
  readonly extension: WebExtension;
}

/** The parts of a URL, not decoded. */
interface RawUrl {
  readonly segments: readonly string[];
  /** Without the question mark. */
  readonly query: string;
}

/** @param url as in a request line: a path with a query, or with a scheme and a host before it */
export function splitUrl(url: string): RawUrl {
  const [beforeFragment = ''] = url.replace(/^[a-z][a-z0-9+.-]{0,20}:\/\/[^/?#]*/i, '').split('#', 1);
  const mark = beforeFragment.indexOf('?');
  const path = mark < 0 ? beforeFragment : beforeFragment.slice(0, mark);
  return { segments: path.split('/').slice(1), query: mark < 0 ? '' : beforeFragment.slice(mark + 1) };
}

/**
 * @param segments a namespace, a package (or `default`) and an action's name, percent-encoded
 * @throws Fault NOT_FOUND, also for impossible names
 */
export function parseWebTarget(segments: readonly string[]): WebTarget {
  const [namespace, inPackage, last] = segments.map(decodeSegment);
  if (namespace === undefined || inPackage === undefined || last === undefined) throw notFound();
  const [name, extension] = splitWebName(last);
  const action = orNotFound(() => ({
    namespace: parseNamespaceName(namespace),
    package: inPackage === 'default' ? undefined : parseEntityName(inPackage),
    name: parseEntityName(name),
  }));
  return { action, extension };
}

/** Returns the rest of a path after the action, with its leading slash, or ''. */
export function restOf(segments: readonly string[]): string {
  return segments.length === 0 ? '' : `/${segments.join('/')}`;
}

/** @throws Fault NOT_FOUND for anything but percent-encoded UTF-8 */
export function decodeSegment(text: string): string {
  return orNotFound(() => decodeURIComponent(text));
}

/** Turns every error of `read` into NOT_FOUND. @throws Fault NOT_FOUND */
export function orNotFound<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw notFound();
  }
}
