/** Names in a manifest: inside a package they refer to it, unless they name another one. */

interface NameScope {
  readonly namespace: string;
  /** `default` is not a package. */
  readonly packageName: string;
}

/** `hello` in `shop` → `shop/hello`. */
export function actionPath(packageName: string, name: string): string {
  return packageName === 'default' ? name : `${packageName}/${name}`;
}

/** `hello`, `shop/hello`, `/ns/shop/hello` → `/ns/[pack/]name`. */
export function fullName({ namespace, packageName }: NameScope, name: string): string {
  if (name.startsWith('/_/')) return `/${namespace}/${name.slice(3)}`;
  if (name.startsWith('/')) return name;
  return `/${namespace}/${name.includes('/') ? name : actionPath(packageName, name)}`;
}
