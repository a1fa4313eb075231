/**
 * Reads PHP packages that Composer installed, and those that its lock requires.
 * Source: getcomposer.org, `vendor/composer/installed.json` (1 and 2) and `composer.lock`.
 */
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import { authorOf } from './authors.ts';
import { hexHash, orUndefined } from './hashes.ts';
import { entriesOf, itemsOf, jsonObjectOf, jsonOf } from './json-document.ts';
import { mostNeeds } from './needs.ts';
import { folderOf, named } from './text.ts';
import type { Cataloger, FoundPackage, Proof } from './types.ts';

const installed = /(?:^|\/)composer\/installed\.json$/;

export const composerCataloger: Cataloger = {
  name: 'composer',
  revision: 3,
  wants: ({ path }, base) => base === 'installed.json' && installed.test(path),
  wantsInside: ({ path }) => installed.test(path),
  read: ({ content }) => {
    const document = jsonOf(content);
    const list = isJsonObject(document) ? document['packages'] : document;
    return proofOf(itemsOf(list));
  },
};

/** Leaves out packages for development only (`packages-dev`). */
export const composerLockCataloger: Cataloger = {
  name: 'composer-lock',
  revision: 2,
  wants: ({ path }, base) => base === 'composer.lock' && !/(?:^|\/)vendor\//.test(path),
  read: ({ path, content }) => ({
    ...proofOf(itemsOf(jsonObjectOf(content)['packages'])),
    wishedFor: `${folderOf(path)}vendor/`,
  }),
};

function proofOf(items: readonly JsonValue[]): Proof {
  const found = items.map(packageOf);
  const packages = found.filter((each) => each !== undefined);
  const isWhole = packages.length === found.length;
  return { packages, ...(!isWhole && { gaps: ['it has a package without name or version'] }) };
}

function packageOf(item: JsonValue): FoundPackage | undefined {
  if (!isJsonObject(item)) return undefined;
  const name = named(item['name'])?.toLowerCase();
  const version = named(item['version'])?.replace(/^v(?=\d)/, '');
  if (name === undefined || version === undefined) return undefined;
  const licences = itemsOf(item['license']).flatMap((licence) => named(licence) ?? []);
  const dist = item['dist'];
  return {
    ecosystem: 'composer',
    name,
    version,
    // Several licences are a choice.
    licences: licences.length === 0 ? undefined : [licences.join(' or ')],
    supplier: authorOf(itemsOf(item['authors'])[0]),
    needs: needsOf(item['require']),
    hashes: isJsonObject(dist) ? orUndefined(hexHash('sha1', dist['shasum'])) : undefined,
  };
}

/** Leaves out PHP itself and its extensions, which have no vendor. */
function needsOf(require: JsonValue | undefined): string[] {
  const names = entriesOf(require).flatMap(([key]) => named(key)?.toLowerCase() ?? []);
  return names.filter((name) => /^[^\s|?]+\/[^\s|?]+$/.test(name)).slice(0, mostNeeds);
}
