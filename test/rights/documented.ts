/** The rights of routes according to docs/api.md. */
import { plain, readText, tableOf } from '../docs/markdown.ts';
import type { Route } from '../fuzz/target.ts';

export type Right = 'no key' | 'any key' | 'read' | 'deploy' | 'invoke' | 'admin' | 'operator' | 'own';

const anyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Right by method and path, with parameters as `*`. */
export const rights = documented();
const paths = new Set([...rights.keys()].map((key) => key.split(' ')[1]));

/** Undefined if the document has no such route, which then answers 405. */
export function rightOf(route: Route): Right | undefined {
  return rights.get(documentedName(route));
}

/** The path as in the document, which shows a slash at the end only if it makes a difference. */
export function documentedName({ method, url }: Route): string {
  const path = url.replaceAll(/:\w+/g, '*');
  return `${method} ${paths.has(path) ? path : path.replace(/\/$/, '')}`;
}

function documented(): ReadonlyMap<string, Right> {
  const { rows } = tableOf(readText('docs/api.md'), 'method, path');
  return new Map(
    rows.flatMap(([target = '', right = '']) => {
      const [methods = '', path = ''] = plain(target).split(' ');
      const each = methods === 'any' ? anyMethod : [methods];
      return each.map(
        (method) => [`${method} ${path.replaceAll(/\{\w+\}|…/g, '*')}`, right as Right] as const,
      );
    }),
  );
}
