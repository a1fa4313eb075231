/**
 * Reads `bun.lock`: JSON with trailing commas. It does not mark packages for development only.
 * Source: bun.sh, "Lockfile".
 */
import { entriesOf, itemsOf, parseJson, requireObject, textOf } from '../json-document.ts';
import { named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { isLockPath, wishes } from './wishes.ts';

export const bunLockCataloger: Cataloger = {
  name: 'bun-lock',
  revision: 1,
  wants: ({ path }, base) => base === 'bun.lock' && isLockPath(path),
  read: ({ path, content }) => {
    const document = requireObject(parseJson(withoutLastCommas(textOf(content))));
    return wishes(
      path,
      entriesOf(document['packages']).flatMap(([, value]) => packageOf(itemsOf(value)[0]) ?? []),
    );
  },
};

/** The first item is `NAME@VERSION`. */
function packageOf(item: unknown): FoundPackage | undefined {
  const match = /^((?:@[^/@]+\/)?[^/@]+)@(\d[^@]*)$/.exec(named(item) ?? '');
  if (match === null) return undefined;
  const [, name = '', version = ''] = match;
  return { ecosystem: 'npm', name, version };
}

/** Removes trailing commas character by character, to keep those inside strings. */
function withoutLastCommas(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  let comma = -1;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
      comma = -1;
    } else if (char === ',') comma = at;
    else if (char === '}' || char === ']') {
      if (comma >= 0) pieces.push(text.slice(from, comma));
      if (comma >= 0) from = comma + 1;
      comma = -1;
    } else if (!/\s/.test(char)) comma = -1;
  }
  pieces.push(text.slice(from));
  return pieces.join('');
}
