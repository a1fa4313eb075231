/**
 * Leads from one path of this server to another. Such a reference also holds behind a proxy that takes a prefix off the paths,
 * which the server then need not know.
 * @param from of the request, as it came
 * @param to a path, perhaps with a query
 */
export function relativeUrl(from: string, to: string): string {
  const [path = ''] = from.split(/[?#]/, 1);
  const folders = path.split('/').length - 2;
  // Without a dot, browsers would read the first word of some paths as a scheme.
  return (folders > 0 ? '../'.repeat(folders) : './') + to.slice(1);
}
