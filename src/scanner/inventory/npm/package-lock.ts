/**
 * Reads `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3. Packages for development only don't count.
 * Source: docs.npmjs.com, "package-lock.json".
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../lib/index.ts';
import { integrityHashes, orUndefined } from '../hashes.ts';
import { entriesOf, jsonObjectOf } from '../json-document.ts';
import { named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { npmNeeds } from './needs.ts';
import { isLockPath, wishes } from './wishes.ts';

const folder = 'node_modules/';
const longestName = 512;
const mostLevels = 50;

export const packageLockCataloger: Cataloger = {
  name: 'npm-lock',
  revision: 2,
  wants: ({ path }, base) =>
    (base === 'package-lock.json' || base === 'npm-shrinkwrap.json') && isLockPath(path),
  read: ({ path, content }) => {
    const document = jsonObjectOf(content);
    const entries =
      document['packages'] === undefined
        ? [...fromTree('', document['dependencies'])]
        : entriesOf(document['packages']).flatMap(([key, value]) => fromKey(key, value) ?? []);
    const byKey = new Map(entries.map((entry) => [entry.key, entry]));
    return wishes(
      path,
      entries.map((entry) => withNeeds(entry, byKey)),
    );
  },
};

interface Entry {
  /** The path at which it would be installed. */
  readonly key: string;
  readonly found: FoundPackage;
  readonly value: JsonObject;
}

/** Reads versions 2 and 3, where the key is the path of installation. Other keys belong to the project itself. */
function fromKey(key: string, value: JsonValue | undefined): Entry | undefined {
  const at = key.lastIndexOf(folder);
  if (at < 0 || !isJsonObject(value) || value['link'] === true) return undefined;
  const found = packageOf(value['name'] ?? key.slice(at + folder.length), value);
  return found && { key, found, value };
}

/** Reads version 1, a tree of installed packages. */
function* fromTree(above: string, dependencies: JsonValue | undefined): Generator<Entry> {
  for (const [name, value] of entriesOf(dependencies)) {
    if (!isJsonObject(value)) continue;
    const found = packageOf(name, value);
    const key = `${above}${folder}${name.slice(0, longestName)}`;
    // Version 1 lists needs under `requires`, since `dependencies` lists the packages installed below.
    if (found !== undefined) yield { key, found, value: { dependencies: value['requires'] ?? {} } };
    yield* fromTree(`${key}/`, value['dependencies']);
  }
}

/** Adds to each need the version that Node.js would find from there. */
function withNeeds({ key, found, value }: Entry, entries: ReadonlyMap<string, Entry>): FoundPackage {
  const { needs = [], needsMore } = npmNeeds(value);
  const exact = needs.map((need) => {
    const name = need.replace(/^\?/, '');
    const { found: other } = nearest(name, key, entries) ?? {};
    return other === undefined ? need : `${need.startsWith('?') ? '?' : ''}${other.name} ${other.version}`;
  });
  return { ...found, needs: exact, needsMore };
}

function nearest(name: string, key: string, entries: ReadonlyMap<string, Entry>): Entry | undefined {
  let above = `${key}/`;
  for (let level = 0; level < mostLevels; level++) {
    const entry = entries.get(`${above}${folder}${name}`);
    if (entry !== undefined || above === '') return entry;
    above = above.slice(0, Math.max(0, above.lastIndexOf(folder)));
  }
  return undefined;
}

/** An alias has `npm:NAME@VERSION` as its version. */
function packageOf(called: JsonValue, value: JsonObject): FoundPackage | undefined {
  const stated = named(value['version']);
  const alias = /^npm:(.+)@([^@]+)$/.exec(stated ?? '');
  const name = alias?.[1] ?? named(called);
  const version = alias?.[2] ?? stated;
  if (value['dev'] === true || name === undefined || version === undefined) return undefined;
  return { ecosystem: 'npm', name, version, hashes: orUndefined(integrityHashes(value['integrity'])) };
}
