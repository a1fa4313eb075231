/** What an npm package needs: names by which it looks for folders. Source: docs.npmjs.com, "package.json". */
import type { JsonObject } from '../../../lib/index.ts';
import { entriesOf } from '../json-document.ts';
import { mostNeeds } from '../needs.ts';
import { named } from '../text.ts';
import type { FoundPackage } from '../types.ts';

/** Of a `package.json`, or what a lock file has of one. Peers may be left out, and then nobody says that they are missing. */
export function npmNeeds(document: JsonObject): Pick<FoundPackage, 'needs' | 'needsMore'> {
  const optional = namesIn(document, 'optionalDependencies', 'peerDependencies');
  const needs = new Set([
    ...namesIn(document, 'dependencies').filter((name) => !optional.includes(name)),
    ...optional.map((name) => `?${name}`),
  ]);
  if (needs.size <= mostNeeds) return { needs: [...needs] };
  return { needs: [...needs].slice(0, mostNeeds), needsMore: true };
}

function namesIn(document: JsonObject, ...fields: readonly string[]): string[] {
  // A blank would begin a version.
  return fields.flatMap((field) =>
    entriesOf(document[field]).flatMap(([key]) => (/[\s|?]/.test(key) ? [] : (named(key) ?? []))),
  );
}
