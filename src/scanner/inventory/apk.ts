/**
 * Packages of Alpine's apk. Lines `LETTER:value`, stanzas parted by an empty line; F is a folder, the R after it are
 * its files. Source: apk-tools, doc/apk-package.5.scd and "Installed database" of Alpine's wiki.
 */
import { allPackages, allPaths, linesOf, named } from './text.ts';
import type { Cataloger, FoundPackage } from './types.ts';

/** The second since Alpine merged /usr. */
export const apkDatabases = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'] as const;

export const apkCataloger: Cataloger = {
  name: 'apk',
  revision: 1,
  wants: ({ path }) => path === apkDatabases[0] || path === apkDatabases[1],
  read: ({ content }) => {
    let gap: string | undefined;
    const packages = stanzasOf(content, () => {
      gap ??= 'it has a line of another form';
    }).flatMap((stanza) => {
      const found = packageOf(stanza);
      if (found === undefined) gap ??= 'it has a package without name or version';
      return found === undefined ? [] : [found];
    });
    return {
      packages: allPackages(packages),
      owns: { paths: allPaths(pathsOf(content)) },
      gaps: gap === undefined ? [] : [gap],
    };
  },
};

/** Letter → value. */
type Stanza = ReadonlyMap<string, string>;

function* stanzasOf(content: Buffer, stray: () => void): Generator<Stanza> {
  let stanza = new Map<string, string>();
  for (const line of linesOf(content)) {
    if (line !== '' && line[1] !== ':') stray();
    else if (/^[PVoAL]/.test(line)) stanza.set(line[0] ?? '', line.slice(2));
    else if (line === '' && stanza.size > 0) {
      yield stanza;
      stanza = new Map();
    }
  }
  if (stanza.size > 0) yield stanza;
}

function* pathsOf(content: Buffer): Generator<string> {
  let folder = '';
  for (const line of linesOf(content)) {
    const value = line.slice(2);
    if (line === '' || line === 'F:') folder = '';
    else if (line.startsWith('F:')) folder = `${value}/`;
    else if (line.startsWith('R:')) yield folder + value;
  }
}

function packageOf(stanza: Stanza): FoundPackage | undefined {
  const name = named(stanza.get('P'));
  const version = named(stanza.get('V'));
  if (name === undefined || version === undefined) return undefined;
  const licence = named(stanza.get('L'));
  return {
    ecosystem: 'apk',
    name,
    version,
    source: { name: named(stanza.get('o')) ?? name, version },
    architecture: named(stanza.get('A')),
    licences: licence === undefined ? undefined : [licence],
  };
}
