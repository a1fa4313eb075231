/**
 * Reads packages of dpkg: the status file, the files of distroless images with one package each (`status.d`), and the lists
 * of files that each package owns.
 * Sources: dpkg(1), "Package states"; deb-version(7); Debian policy, 5.6.1 (Source).
 */

import { type Asking, mostNeeds, withNeeds } from './needs.ts';
import { type OwnedFile, openOwnedList } from './ownership.ts';
import { type Stanza, stanzasOf } from './stanzas.ts';
import { allPackages, linesOf, named } from './text.ts';
import type { Cataloger, FoundPackage, Proof } from './types.ts';

const statusPath = 'var/lib/dpkg/status';
const singleFolder = 'var/lib/dpkg/status.d/';
const infoFolder = 'var/lib/dpkg/info/';
const fields = new Set([
  'package',
  'status',
  'version',
  'source',
  'architecture',
  'maintainer',
  'depends',
  'pre-depends',
  'provides',
]);
/** Vendors with their own package archives. Debian and Ubuntu publish no advisories for those packages. */
const foreignMaintainers =
  /docker|nodesource|hashicorp|microsoft|elastic|google|gitlab|github|mongodb|nginx|grafana|influx|datadog|oracle|mysql|mariadb|percona|yarn|kubernetes|confluent|redis|cloudflare|tailscale|caddy|sury|launchpad|amazon|nvidia/i;

export const debCataloger: Cataloger = {
  name: 'deb',
  revision: 3,
  wants: ({ path }) => path === statusPath || (path.startsWith(singleFolder) && !path.endsWith('.md5sums')),
  read: ({ content, path }) => {
    let gap = content.length > 0 ? 'it is not a status file of dpkg' : undefined;
    const all = allPackages(
      stanzasOf(content, fields).flatMap((stanza, index) => {
        if (index === 0) gap = undefined;
        const found = packageOf(stanza);
        if (found === 'unreadable') gap ??= 'it has a package without name or version';
        return typeof found === 'object' ? [found] : [];
      }),
    );
    return {
      packages: path === statusPath ? withNeeds(all) : all.map(inWords),
      gaps: gap === undefined ? [] : [gap],
    };
  },
};

export const debFilesCataloger: Cataloger = {
  name: 'deb-files',
  revision: 2,
  wants: ({ path }) =>
    (path.startsWith(infoFolder) && /\.(?:list|md5sums)$/.test(path)) ||
    (path.startsWith(singleFolder) && path.endsWith('.md5sums')),
  read: ({ content, path }): Proof => {
    const stem = path.slice(0, path.lastIndexOf('.'));
    const by = stem.startsWith(infoFolder) ? stem.slice(infoFolder.length).replace(/:[a-z0-9-]+$/, '') : stem;
    const owned = openOwnedList();
    owned.add(by, filesOf(content, path.endsWith('.list')));
    return { owns: owned.list };
  },
};

function* filesOf(content: Buffer, isList: boolean): Generator<OwnedFile> {
  for (const line of linesOf(content)) {
    const sum = /^([0-9a-f]{32}) [ *](.+)$/.exec(line);
    if (isList) yield { path: line.slice(1) };
    else if (sum !== null) yield { path: sum[2] ?? '', digest: sum[1] };
  }
}

function packageOf(stanza: Stanza): Asking | 'unreadable' | undefined {
  // Packages of distroless images have no status. All of them are installed.
  if (/ (?:not-installed|config-files)$/.test(stanza.get('status') ?? '')) return undefined;
  const name = named(stanza.get('package'));
  const version = named(stanza.get('version'));
  if (name === undefined || version === undefined) return 'unreadable';
  const needs = [...relationsOf(stanza.get('pre-depends')), ...relationsOf(stanza.get('depends'))];
  return {
    found: {
      ecosystem: 'deb',
      name,
      version,
      source: sourceOf(stanza.get('source'), name, version),
      architecture: named(stanza.get('architecture')),
      foreign: isForeign(stanza.get('maintainer') ?? '') || undefined,
      supplier: named(stanza.get('maintainer')),
    },
    needs: needs.slice(0, mostNeeds),
    provides: relationsOf(stanza.get('provides')).flat(),
    needsMore: needs.length > mostNeeds,
  };
}

/** Reads names from `a (>= 1), b:any | c`. It ignores versions, because dpkg has checked them. */
function relationsOf(text: string | undefined): string[][] {
  return (text ?? '').split(',').flatMap((choice) => {
    const names = choice
      .split('|')
      .flatMap((each) => /^\s*([a-z0-9][a-z0-9+.-]{1,200})/.exec(each)?.[1] ?? []);
    return names.length === 0 ? [] : [names];
  });
}

/** With one file per package, the other packages are not known yet. */
function inWords({ found, needs, needsMore = false }: Asking): FoundPackage {
  return {
    ...found,
    needs: needs.map((choice) => choice.join('|')),
    ...(needsMore && { needsMore: true as const }),
  };
}

function isForeign(maintainer: string): boolean {
  return foreignMaintainers.test(maintainer) && !/debian|ubuntu/i.test(maintainer);
}

/** Reads `name (version)`. A missing part is that of the package. */
function sourceOf(
  text: string | undefined,
  name: string,
  version: string,
): { name: string; version: string } {
  const match = /^(\S+)(?:\s+\(([^)\s]+)\))?$/.exec(text ?? '');
  return { name: match?.[1] ?? name, version: match?.[2] ?? version };
}
