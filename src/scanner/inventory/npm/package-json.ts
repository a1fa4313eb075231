/**
 * Reads installed npm packages: each `package.json` below `node_modules` with a version. Others count only if a link in
 * `node_modules` leads to them.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../lib/index.ts';
import { authorOf } from '../authors.ts';
import { itemsOf, jsonObjectOf } from '../json-document.ts';
import { named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { packageFolderOf } from './folders.ts';
import { npmNeeds } from './needs.ts';

const packageRoot = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$/;
/** The layout of archives by `npm pack`. */
const packedRoot = /^[^/]+\/package\.json$/;
/** The place of Debian's packages for Node. */
const systemFolder = 'usr/share/nodejs/';

export const npmCataloger: Cataloger = {
  name: 'npm',
  revision: 4,
  wants: (_file, base) => base === 'package.json',
  wantsInside: ({ path }) => packageRoot.test(path) || packedRoot.test(path),
  read: ({ path, content }) => {
    const isInstalled = /(?:^|\/)node_modules\//.test(path) || path.startsWith(systemFolder);
    const own = packageFolderOf(path);
    const isRoot = own?.rest === 'package.json';
    let document: JsonObject;
    try {
      document = jsonObjectOf(content);
    } catch (error) {
      // Packages contain broken files on purpose, as fixtures of their tests.
      if (isRoot) throw error;
      return isInstalled ? undefined : { isLinkedOnly: true };
    }
    const found = packageOf(document, isRoot ? own.name : undefined);
    if (!isInstalled) return { packages: found && [found], isLinkedOnly: true };
    return found && { packages: [found] };
  },
};

/** @param folderName the name by which Node.js finds the package, even if it states another one */
function packageOf(document: JsonObject, folderName: string | undefined): FoundPackage | undefined {
  const name = named(document['name']) ?? folderName;
  const stated = document['version'];
  const version = named(typeof stated === 'number' ? String(stated) : stated);
  if (name === undefined) return undefined;
  // Hand-made modules have no version. Advisories may know them by either name.
  if (version === undefined && folderName === undefined) return undefined;
  const isAlias = version === undefined && folderName !== name;
  return {
    ecosystem: 'npm',
    name,
    version: version ?? '',
    ...(isAlias && folderName !== undefined && { otherNames: [folderName] }),
    licences: licencesOf(document),
    supplier: authorOf(document['author']) ?? authorOf(itemsOf(document['maintainers'])[0]),
    ...npmNeeds(document),
  };
}

/** `license` is a text; in old packages it is an object, or a list of objects. */
function licencesOf(document: JsonObject): readonly string[] | undefined {
  const stated = document['license'] ?? document['licenses'];
  const list: readonly JsonValue[] = Array.isArray(stated)
    ? itemsOf(stated)
    : stated === undefined
      ? []
      : [stated];
  const names = list.flatMap((item) => named(isJsonObject(item) ? item['type'] : item) ?? []);
  return names.length === 0 ? undefined : names;
}
