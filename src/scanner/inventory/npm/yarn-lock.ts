/**
 * `yarn.lock`: version 1 has a form of its own, later ones are YAML of one shape. Read line by line: a key at the
 * left, its fields two blanks in. It does not say what is for development only.
 * Source: yarnpkg.com, "Lockfile".
 */
import { integrityHashes, orUndefined } from '../hashes.ts';
import { allPackages, linesOf, named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { isLockPath, wishes } from './wishes.ts';

interface Block {
  readonly key: string;
  version?: string | undefined;
  resolution?: string | undefined;
  integrity?: string | undefined;
}

export const yarnLockCataloger: Cataloger = {
  name: 'yarn-lock',
  revision: 2,
  wants: ({ path }, base) => base === 'yarn.lock' && isLockPath(path),
  read: ({ path, content }) => wishes(path, allPackages(blocksOf(linesOf(content)).flatMap(packageOf))),
};

function* blocksOf(lines: Iterable<string>): Generator<Block> {
  let block: Block | undefined;
  for (const line of lines) {
    if (/^[^\s#].*:$/.test(line)) {
      if (block !== undefined) yield block;
      block = { key: line.slice(0, -1) };
    }
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
  // The first of `"@a/b@^1.0.0", "@a/b@^1.2.0"`.
  const descriptor = resolution ?? key.split(',')[0]?.replaceAll('"', '').trim() ?? '';
  const split = descriptor.indexOf('@', 1);
  const range = descriptor.slice(split + 1);
  if (split < 0 || version === undefined || /^(?:workspace|link|portal|file):/.test(range)) return [];
  const alias = /^npm:((?:@[^/@]+\/)?[^@]+)@/.exec(range)?.[1];
  const name = named(alias ?? descriptor.slice(0, split));
  if (name === undefined) return [];
  return [{ ecosystem: 'npm', name, version, hashes: orUndefined(integrityHashes(integrity)) }];
}
