/**
 * Reads `pnpm-lock.yaml`, versions 5 to 9, where the keys of `packages` hold everything. It reads line by line, since the
 * file always has the same layout and can have megabytes.
 * Source: pnpm, lockfile/types, as its documentation describes it.
 */
import { allPackages, linesOf, named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { isLockPath, wishes } from './wishes.ts';

export const pnpmLockCataloger: Cataloger = {
  name: 'pnpm-lock',
  revision: 1,
  wants: ({ path }, base) => base === 'pnpm-lock.yaml' && isLockPath(path),
  read: ({ path, content }) => wishes(path, allPackages(packagesOf(content))),
};

function* packagesOf(content: Buffer): Generator<FoundPackage> {
  const version = /^lockfileVersion: *'?(\d+)/.exec(
    linesOf(content).find((line) => line.startsWith('lockfileVersion')) ?? '',
  );
  if (version === null) throw new Error('it does not say its version');
  const isOld = Number(version[1]) < 6;
  let section = '';
  let isForDevelopment = false;
  let current: FoundPackage | undefined;
  const finish = (): FoundPackage[] => {
    const finished = current === undefined || isForDevelopment ? [] : [current];
    current = undefined;
    isForDevelopment = false;
    return finished;
  };
  for (const line of linesOf(content)) {
    if (/^\S/.test(line)) {
      yield* finish();
      section = line;
    } else if (section === 'packages:') {
      const key = /^ {2}(?:'([^']+)'|"([^"]+)"|([^\s'"][^\s]*)):(?: \{.*\})?$/.exec(line);
      if (key !== null) {
        yield* finish();
        current = fromKey(key[1] ?? key[2] ?? key[3] ?? '', isOld);
      } else if (line === '    dev: true') isForDevelopment = true;
    }
  }
  yield* finish();
}

/** Keys are `/lodash/4.17.21_peer` before version 6, then `/lodash@4.17.21(peer)`, and without the slash since 9. */
function fromKey(key: string, isOld: boolean): FoundPackage | undefined {
  const match = isOld
    ? /^\/((?:@[^/]+\/)?[^/]+)\/([^_/]+)/.exec(key)
    : /^\/?((?:@[^/@]+\/)?[^/@]+)@([^(]+)/.exec(key);
  const name = named(match?.[1]);
  const version = named(match?.[2]);
  // Advisories can't name packages from a folder or a repository.
  if (name === undefined || version === undefined || !/^\d/.test(version)) return undefined;
  return { ecosystem: 'npm', name, version };
}
