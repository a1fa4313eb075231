/**
 * Reads `yarn.lock`. Version 1 has its own format, later ones are YAML with a fixed layout. It reads line by line: keys
 * start at the left, their fields are indented by two blanks. It does not mark packages for development only.
 * Source: yarnpkg.com, "Lockfile".
 */
import { integrityHashes, orUndefined } from '../hashes.ts';
import { mostNeeds } from '../needs.ts';
import { allPackages, linesOf, named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { isLockPath, wishes } from './wishes.ts';

interface Block {
  readonly key: string;
  version?: string | undefined;
  resolution?: string | undefined;
  integrity?: string | undefined;
  /** `NAME@RANGE` as in a key. Optional needs start with `?`. */
  readonly needs: string[];
}

export const yarnLockCataloger: Cataloger = {
  name: 'yarn-lock',
  revision: 3,
  wants: ({ path }, base) => base === 'yarn.lock' && isLockPath(path),
  read: ({ path, content }) => {
    const read = allPackages(
      blocksOf(linesOf(content)).flatMap((block) => packageOf(block).map((found) => ({ found, block }))),
    );
    const byRange = new Map(
      read.flatMap(({ found, block }) => rangesOf(block).map((range) => [range, found] as const)),
    );
    return wishes(
      path,
      read.map(({ found, block }) => ({ ...found, needs: block.needs.map((need) => exact(need, byRange)) })),
    );
  },
};

function* blocksOf(lines: Iterable<string>): Generator<Block> {
  let block: Block | undefined;
  let section = '';
  for (const line of lines) {
    if (/^[^\s#].*:$/.test(line)) {
      if (block !== undefined) yield block;
      block = { key: line.slice(0, -1), needs: [] };
      section = '';
    }
    section = /^ {2}(\w+):?$/.exec(line)?.[1] ?? section;
    const need = /^ {4}"?((?:@[^/@"\s]+\/)?[^/@"\s:]+)"?:? "?([^"]+)"?$/.exec(line);
    if (
      need !== null &&
      /^(?:optionalD|d)ependencies$/.test(section) &&
      (block?.needs.length ?? 0) < mostNeeds
    )
      block?.needs.push(`${section === 'dependencies' ? '' : '?'}${need[1]}@${need[2]}`);
    const field = /^ {2}"?(version|resolution|integrity)"?:? "?([^"]+)"?$/.exec(line);
    if (block === undefined || field === null) continue;
    if (field[1] === 'version') block.version = field[2];
    else if (field[1] === 'integrity') block.integrity = field[2];
    else block.resolution = field[2];
  }
  if (block !== undefined) yield block;
}

function packageOf({ key, version: stated, resolution, integrity }: Block): FoundPackage[] {
  const version = named(stated);
  // Takes the first of `"@a/b@^1.0.0", "@a/b@^1.2.0"`.
  const descriptor = resolution ?? key.split(',')[0]?.replaceAll('"', '').trim() ?? '';
  const split = descriptor.indexOf('@', 1);
  const range = descriptor.slice(split + 1);
  if (split < 0 || version === undefined || /^(?:workspace|link|portal|file):/.test(range)) return [];
  const alias = /^npm:((?:@[^/@]+\/)?[^@]+)@/.exec(range)?.[1];
  const name = named(alias ?? descriptor.slice(0, split));
  if (name === undefined) return [];
  return [{ ecosystem: 'npm', name, version, hashes: orUndefined(integrityHashes(integrity)) }];
}

/** Returns each of `"@a/b@^1.0.0", "@a/b@^1.2.0"`, or of `"a@npm:^1, a@npm:^2"`. */
function rangesOf({ key }: Block): string[] {
  return key.split(',').map((range) => range.replaceAll('"', '').trim());
}

/** The version that the range resolves to; the name alone if the file does not say. */
function exact(need: string, byRange: ReadonlyMap<string, FoundPackage>): string {
  const optional = need.startsWith('?') ? '?' : '';
  const range = need.slice(optional.length);
  const found = byRange.get(range) ?? byRange.get(range.replace(/(?<=.)@(?!npm:)/, '@npm:'));
  return (
    optional +
    (found === undefined ? range.slice(0, range.indexOf('@', 1)) : `${found.name} ${found.version}`)
  );
}
