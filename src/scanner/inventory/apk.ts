/**
 * Packages of Alpine's apk. Lines `LETTER:value`, stanzas parted by an empty line; F is a folder, the R after it are
 * its files. Source: apk-tools, doc/apk-package.5.scd and "Installed database" of Alpine's wiki.
 */
import { named } from './text.ts';
import type { Cataloger, FoundPackage } from './types.ts';

/** The second since Alpine merged /usr. */
export const apkDatabases = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'] as const;

export const apkCataloger: Cataloger = {
  name: 'apk',
  revision: 1,
  wants: ({ path }) => path === apkDatabases[0] || path === apkDatabases[1],
  read: ({ content }) => {
    const packages: FoundPackage[] = [];
    const paths: string[] = [];
    const gaps: string[] = [];
    let stanza = new Map<string, string>();
    let folder = '';
    const finish = (): void => {
      const found = packageOf(stanza);
      if (found !== undefined) packages.push(found);
      else if (stanza.size > 0) gaps.push('it has a package without name or version');
      stanza = new Map();
      folder = '';
    };
    for (const line of content.toString('utf8').split('\n')) {
      const value = line.slice(2);
      if (line === '') finish();
      else if (line[1] !== ':') gaps.push('it has a line of another form');
      else if (line[0] === 'F') folder = value === '' ? '' : `${value}/`;
      else if (line[0] === 'R') paths.push(folder + value);
      else if (/^[PVoAL]/.test(line)) stanza.set(line[0] ?? '', value);
    }
    finish();
    return { packages, owns: { paths }, gaps: gaps.slice(0, 1) };
  },
};

function packageOf(stanza: ReadonlyMap<string, string>): FoundPackage | undefined {
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
