/**
 * `yarn.lock`: version 1 has a form of its own, later ones are YAML of one shape. Read line by line: a key at the
 * left, its fields two blanks in. It does not say what is for development only.
 * Source: yarnpkg.com, "Lockfile".
 */
import { linesOf, named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { isLockPath, wishes } from './wishes.ts';

interface Block {
  readonly key: string;
  version?: string | undefined;
  resolution?: string | undefined;
}

export const yarnLockCataloger: Cataloger = {
  name: 'yarn-lock',
  revision: 1,
  wants: ({ path }, base) => base === 'yarn.lock' && isLockPath(path),
  read: ({ path, content }) =>
    wishes(
      path,
      blocksOf(linesOf(content)).flatMap((block) => packageOf(block) ?? []),
    ),
};

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    if (/^[^\s#].*:$/.test(line)) blocks.push({ key: line.slice(0, -1) });
    const field = /^ {2}"?(version|resolution)"?:? "?([^"]+)"?$/.exec(line);
    const block = blocks.at(-1);
    if (block === undefined || field === null) continue;
    if (field[1] === 'version') block.version = field[2];
    else block.resolution = field[2];
  }
  return blocks;
}

function packageOf({ key, version: stated, resolution }: Block): FoundPackage | undefined {
  const version = named(stated);
  // The first of `"@a/b@^1.0.0", "@a/b@^1.2.0"`.
  const descriptor = resolution ?? key.split(',')[0]?.replaceAll('"', '').trim() ?? '';
  const split = descriptor.indexOf('@', 1);
  const range = descriptor.slice(split + 1);
  if (split < 0 || version === undefined || /^(?:workspace|link|portal|file):/.test(range)) return undefined;
  const alias = /^npm:((?:@[^/@]+\/)?[^@]+)@/.exec(range)?.[1];
  const name = named(alias ?? descriptor.slice(0, split));
  return name === undefined ? undefined : { ecosystem: 'npm', name, version };
}
