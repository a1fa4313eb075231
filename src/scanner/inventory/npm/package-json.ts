/**
 * npm packages that are installed: each `package.json` below a `node_modules` that says a version. Those elsewhere count
 * where a link of a `node_modules` leads to them.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../lib/index.ts';
import { authorOf } from '../authors.ts';
import { itemsOf, jsonObjectOf } from '../json-document.ts';
import { named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { packageFolderOf } from './folders.ts';
import { npmNeeds } from './needs.ts';

const packageRoot = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$/;
/** As `npm pack` makes archives. */
const packedRoot = /^[^/]+\/package\.json$/;
/** Debian's packages for Node lie there. */
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
      // Below a package there are broken ones on purpose: what its tests read.
      if (isRoot) throw error;
      return isInstalled ? undefined : { isLinkedOnly: true };
    }
    const found = packageOf(document, isRoot ? own.name : undefined);
    if (!isInstalled) return { packages: found && [found], isLinkedOnly: true };
    return found && { packages: [found] };
  },
};

/** @param folderName by which Node.js finds it, whatever it calls itself */
function packageOf(document: JsonObject, folderName: string | undefined): FoundPackage | undefined {
  const name = named(document['name']) ?? folderName;
  const stated = document['version'];
  const version = named(typeof stated === 'number' ? String(stated) : stated);
  if (name === undefined) return undefined;
  // Hand-made modules have none. Where advisories know one of its names, each of them may be meant.
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

/** `license` is a text, or as of long ago an object or a list of them. */
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
