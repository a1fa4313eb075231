/**
 * `pnpm-lock.yaml`, versions 5 to 9: the keys of `packages` say it all. Read line by line, for it is written in one
 * shape and can have megabytes.
 * Source: pnpm, lockfile/types, as its documentation describes it.
 */
import { linesOf, named } from '../text.ts';
import type { Cataloger, FoundPackage } from '../types.ts';
import { isLockPath, wishes } from './wishes.ts';

export const pnpmLockCataloger: Cataloger = {
  name: 'pnpm-lock',
  revision: 1,
  wants: ({ path }, base) => base === 'pnpm-lock.yaml' && isLockPath(path),
  read: ({ path, content }) => wishes(path, packagesOf(linesOf(content))),
};

function packagesOf(lines: readonly string[]): FoundPackage[] {
  const version = /^lockfileVersion: *'?(\d+)/.exec(
    lines.find((line) => line.startsWith('lockfileVersion')) ?? '',
  );
  if (version === null) throw new Error('it does not say its version');
  const isOld = Number(version[1]) < 6;
  const found: FoundPackage[] = [];
  let section = '';
  let isForDevelopment = false;
  let current: FoundPackage | undefined;
  const finish = (): void => {
    if (current !== undefined && !isForDevelopment) found.push(current);
    current = undefined;
    isForDevelopment = false;
  };
  for (const line of lines) {
    if (/^\S/.test(line)) {
      finish();
      section = line;
    } else if (section === 'packages:') {
      const key = /^ {2}(?:'([^']+)'|"([^"]+)"|([^\s'"][^\s]*)):(?: \{.*\})?$/.exec(line);
      if (key !== null) {
        finish();
        current = fromKey(key[1] ?? key[2] ?? key[3] ?? '', isOld);
      } else if (line === '    dev: true') isForDevelopment = true;
    }
  }
  finish();
  return found;
}

/** `/lodash/4.17.21_peer` before version 6, `/lodash@4.17.21(peer)` since, without the slash since 9. */
function fromKey(key: string, isOld: boolean): FoundPackage | undefined {
  const match = isOld
    ? /^\/((?:@[^/]+\/)?[^/]+)\/([^_/]+)/.exec(key)
    : /^\/?((?:@[^/@]+\/)?[^/@]+)@([^(]+)/.exec(key);
  const name = named(match?.[1]);
  const version = named(match?.[2]);
  // From a folder or a repository: nothing that an advisory could name.
  if (name === undefined || version === undefined || !/^\d/.test(version)) return undefined;
  return { ecosystem: 'npm', name, version };
}
