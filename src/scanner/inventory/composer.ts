/** PHP packages that Composer installed. Source: getcomposer.org, `vendor/composer/installed.json` (1 and 2). */
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import { itemsOf, jsonOf } from './json-document.ts';
import { named } from './text.ts';
import type { Cataloger, FoundPackage } from './types.ts';

export const composerCataloger: Cataloger = {
  name: 'composer',
  revision: 1,
  wants: ({ path }, base) => base === 'installed.json' && /(?:^|\/)composer\/installed\.json$/.test(path),
  read: ({ content }) => {
    const document = jsonOf(content);
    const list = isJsonObject(document) ? document['packages'] : document;
    return { packages: itemsOf(list).flatMap((item) => packageOf(item) ?? []) };
  },
};

function packageOf(item: JsonValue): FoundPackage | undefined {
  if (!isJsonObject(item)) return undefined;
  const name = named(item['name'])?.toLowerCase();
  const version = named(item['version'])?.replace(/^v(?=\d)/, '');
  if (name === undefined || version === undefined) return undefined;
  const licences = itemsOf(item['license']).flatMap((licence) => named(licence) ?? []);
  return { ecosystem: 'composer', name, version, licences: licences.length === 0 ? undefined : licences };
}
