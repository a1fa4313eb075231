/**
 * Reads packages that conda installed: `conda-meta/NAME-VERSION-BUILD.json` in each environment. Python packages among them
 * also have metadata of their own. For the others, no source publishes advisories.
 * Source: docs.conda.io, "Conda package specification" and "Managing environments".
 */
import type { JsonValue } from '../../lib/index.ts';
import { hexHash, orUndefined } from './hashes.ts';
import { itemsOf, jsonObjectOf } from './json-document.ts';
import { mostNeeds } from './needs.ts';
import { named } from './text.ts';
import type { Cataloger } from './types.ts';

export const condaCataloger: Cataloger = {
  name: 'conda',
  revision: 2,
  wants: ({ path }, base) => base.endsWith('.json') && /(?:^|\/)conda-meta\/[^/]+$/.test(path),
  read: ({ content }) => {
    const document = jsonObjectOf(content);
    const name = named(document['name']);
    const version = named(document['version']);
    if (name === undefined || version === undefined) return { gaps: ['it does not name its package'] };
    const licence = named(document['license']);
    return {
      packages: [
        {
          ecosystem: 'conda',
          name,
          version,
          licences: licence === undefined ? undefined : [licence],
          needs: needsOf(document['depends']),
          hashes: orUndefined([...hexHash('md5', document['md5']), ...hexHash('sha256', document['sha256'])]),
        },
      ],
    };
  },
};

/** Entries look like `python >=3.12,<3.13.0a0`. Two underscores mark requirements on the machine. */
function needsOf(depends: JsonValue | undefined): string[] | undefined {
  if (depends === undefined) return undefined;
  const names = itemsOf(depends).flatMap((each) => named(each)?.split(' ')[0] ?? []);
  return names.filter((name) => !name.startsWith('__')).slice(0, mostNeeds);
}
