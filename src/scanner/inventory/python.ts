/**
 * Reads installed Python distributions by their metadata, and requirements that pin one version.
 * Sources: packaging.python.org, "Recording installed projects" and "Core metadata"; PEP 508.
 */
import { isJsonObject } from '../../lib/index.ts';
import { author } from './authors.ts';
import { entriesOf, jsonObjectOf } from './json-document.ts';
import { mostNeeds } from './needs.ts';
import { firstStanza, type Stanza, valuesOf } from './stanzas.ts';
import { allPackages, linesOf, named } from './text.ts';
import type { Cataloger, FoundPackage } from './types.ts';

const fields = new Set([
  'name',
  'version',
  'license',
  'license-expression',
  'author',
  'author-email',
  'maintainer',
  'maintainer-email',
]);
/** The metadata of a source archive. */
const sourcesPath = /^[^/]+\/PKG-INFO$/;
const metadataPath = /(?:\.dist-info\/METADATA|\.egg-info\/PKG-INFO|EGG-INFO\/PKG-INFO|\.egg-info)$/;
/** Some packages have the whole licence text in this field. */
const longestLicence = 64;
const mostClassifiers = 200;

export const pythonCataloger: Cataloger = {
  name: 'python',
  revision: 2,
  wants: ({ path }, base) =>
    (base === 'METADATA' || base === 'PKG-INFO' || base.endsWith('.egg-info')) && metadataPath.test(path),
  wantsInside: ({ path }) => metadataPath.test(path) || sourcesPath.test(path),
  read: ({ path, content }) => {
    const stanza = firstStanza(content, fields);
    const name = named(stanza.get('name'));
    const version = named(stanza.get('version'));
    if (name === undefined || version === undefined) return { gaps: ['it does not name its package'] };
    const licences = licencesOf(stanza, content);
    const supplier = authorIn(stanza, 'author') ?? authorIn(stanza, 'maintainer');
    return {
      packages: [{ ecosystem: 'pypi', name, version, licences, supplier, ...needsOf(path, content) }],
    };
  },
};

export const requirementsCataloger: Cataloger = {
  name: 'python-requirements',
  revision: 1,
  wants: ({ path }, base) =>
    /^requirements[\w.-]*\.txt$/.test(base) && !/(?:^|\/)(?:site|dist)-packages\//.test(path),
  // Installed distributions were installed from this file, so it adds nothing then.
  read: ({ content }) => ({
    packages: allPackages(linesOf(content).flatMap(pinned)),
    wishedFor: '',
  }),
};

/** Leaves out packages for development only (`develop`). Source: github.com/pypa/pipfile. */
export const pipfileLockCataloger: Cataloger = {
  name: 'pipfile-lock',
  revision: 1,
  wants: (_file, base) => base === 'Pipfile.lock',
  read: ({ content }) => {
    const packages = entriesOf(jsonObjectOf(content)['default']).flatMap(([key, value]): FoundPackage[] => {
      const name = named(key);
      const stated = isJsonObject(value) ? named(value['version']) : undefined;
      // Packages from a folder or a repository have no version.
      const version = /^={2,3}(.+)$/.exec(stated ?? '')?.[1];
      return name === undefined || version === undefined ? [] : [{ ecosystem: 'pypi', name, version }];
    });
    return { packages, wishedFor: '' };
  },
};

/** Newer metadata has the name beside the address: `Author-email: Name <address>`. */
function authorIn(stanza: Stanza, field: string): string | undefined {
  const email = stanza.get(`${field}-email`);
  return (
    author(named(stanza.get(field)), email?.includes('<') ? undefined : named(email)) ?? author(named(email))
  );
}

/** Uses an expression, else a short text, else the classifiers. */
function licencesOf(stanza: Stanza, content: Buffer): readonly string[] | undefined {
  const stated = named(stanza.get('license-expression') ?? stanza.get('license'));
  if (stated !== undefined && stated.length <= longestLicence && stated !== 'UNKNOWN') return [stated];
  const classifiers = valuesOf(content, 'classifier', mostClassifiers);
  const names = classifiers.flatMap(
    (each) => named(/^License :: (?:OSI Approved :: )?(.+)$/.exec(each)?.[1]) ?? [],
  );
  const told = names.filter((name) => name !== 'OSI Approved');
  return told.length === 0 ? undefined : told;
}

/** Reads `Requires-Dist`. An egg keeps its needs in another file, so they stay unknown. */
function needsOf(path: string, content: Buffer): Pick<FoundPackage, 'needs' | 'needsMore'> {
  const stated = valuesOf(content, 'requires-dist', mostNeeds + 1);
  if (stated.length === 0 && !path.endsWith('/METADATA')) return {};
  const needs = stated.slice(0, mostNeeds).flatMap(needOf);
  return { needs, needsMore: stated.length > mostNeeds || undefined };
}

/** Needs of an extra don't count. Needs with another marker apply on some systems. */
function needOf(requirement: string): string[] {
  const [, name, marker = ''] =
    /^([A-Za-z0-9][\w.-]{0,200})\s*(?:\[[^\]]*\])?[^;]*(?:;(.*))?$/.exec(requirement) ?? [];
  if (name === undefined || /\bextra\b/.test(marker)) return [];
  return [marker.trim() === '' ? name : `?${name}`];
}

/** Reads `name[extra]==1.2 ; marker --hash=…`. Anything else does not pin one version. */
function pinned(line: string): FoundPackage[] {
  const match =
    /^\s*([A-Za-z0-9][\w.-]{0,200})\s*(?:\[[^\]]{0,200}\])?\s*===?\s*([\w.!+-]{1,100})\s*(?:[;#\\].*|--.*)?$/.exec(
      line,
    );
  if (match === null) return [];
  const [, name = '', version = ''] = match;
  return [{ ecosystem: 'pypi', name, version }];
}
