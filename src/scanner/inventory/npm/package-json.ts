/** npm packages that are installed: each `package.json` below a `node_modules` that says a name and a version. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../lib/index.ts';
import { itemsOf, jsonObjectOf } from '../json-document.ts';
import { named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';

const packageRoot = /(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@][^/]*\/package\.json$/;
/** Debian's packages for Node lie there. */
const systemFolder = 'usr/share/nodejs/';

export const npmCataloger: Cataloger = {
  name: 'npm',
  revision: 1,
  wants: ({ path }, base) =>
    base === 'package.json' &&
    (path.startsWith('node_modules/') || path.includes('/node_modules/') || path.startsWith(systemFolder)),
  read: ({ path, content }) => {
    let document: JsonObject;
    try {
      document = jsonObjectOf(content);
    } catch (error) {
      // Below a package there are broken ones on purpose: what its tests read.
      if (packageRoot.test(path)) throw error;
      return undefined;
    }
    const found = packageOf(document);
    return found === undefined ? undefined : { packages: [found] };
  },
};

function packageOf(document: JsonObject): FoundPackage | undefined {
  const name = named(document['name']);
  const version = named(document['version']);
  if (name === undefined || version === undefined) return undefined;
  return { ecosystem: 'npm', name, version, licences: licencesOf(document) };
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
