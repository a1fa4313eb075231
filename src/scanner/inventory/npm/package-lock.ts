/**
 * `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3. What is for development only is not counted.
 * Source: docs.npmjs.com, "package-lock.json".
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../lib/index.ts';
import { entriesOf, jsonObjectOf } from '../json-document.ts';
import { named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { isLockPath, wishes } from './wishes.ts';

const folder = 'node_modules/';

export const packageLockCataloger: Cataloger = {
  name: 'npm-lock',
  revision: 1,
  wants: ({ path }, base) =>
    (base === 'package-lock.json' || base === 'npm-shrinkwrap.json') && isLockPath(path),
  read: ({ path, content }) => {
    const document = jsonObjectOf(content);
    const packages =
      document['packages'] === undefined
        ? [...fromTree(document['dependencies'])]
        : entriesOf(document['packages']).flatMap(([key, value]) => fromKey(key, value) ?? []);
    return wishes(path, packages);
  },
};

/** Versions 2 and 3: the key is where it would be installed; other keys are the project's own. */
function fromKey(key: string, value: JsonValue | undefined): FoundPackage | undefined {
  const at = key.lastIndexOf(folder);
  if (at < 0 || !isJsonObject(value) || value['link'] === true) return undefined;
  return packageOf(value['name'] ?? key.slice(at + folder.length), value);
}

/** Version 1: a tree of what is installed below what. */
function* fromTree(dependencies: JsonValue | undefined): Generator<FoundPackage> {
  for (const [key, value] of entriesOf(dependencies)) {
    if (!isJsonObject(value)) continue;
    const found = packageOf(key, value);
    if (found !== undefined) yield found;
    yield* fromTree(value['dependencies']);
  }
}

/** An alias says `npm:NAME@VERSION` for its version. */
function packageOf(called: JsonValue, value: JsonObject): FoundPackage | undefined {
  const stated = named(value['version']);
  const alias = /^npm:(.+)@([^@]+)$/.exec(stated ?? '');
  const name = alias?.[1] ?? named(called);
  const version = alias?.[2] ?? stated;
  if (value['dev'] === true || name === undefined || version === undefined) return undefined;
  return { ecosystem: 'npm', name, version };
}
