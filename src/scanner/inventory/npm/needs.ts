/** Reads the needs of an npm package: names that Node.js resolves by folders. Source: docs.npmjs.com, "package.json". */
import type { JsonObject } from '../../../lib/index.ts';
import { entriesOf } from '../json-document.ts';
import { mostNeeds } from '../needs.ts';
import { named } from '../text.ts';
import type { FoundPackage } from '../types.ts';

/** Reads a `package.json`, or its copy in a lock file. Peer dependencies may be absent without notice. */
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
  // A blank would start a version.
  return fields.flatMap((field) =>
    entriesOf(document[field]).flatMap(([key]) => (/[\s|?]/.test(key) ? [] : (named(key) ?? []))),
  );
}
