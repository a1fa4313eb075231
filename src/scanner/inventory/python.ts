/**
 * Python distributions that are installed, by their metadata, and requirements that name one version.
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
/** Of an archive of sources. */
const sourcesPath = /^[^/]+\/PKG-INFO$/;
const metadataPath = /(?:\.dist-info\/METADATA|\.egg-info\/PKG-INFO|EGG-INFO\/PKG-INFO|\.egg-info)$/;
/** A licence's whole text stands there at times. */
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
    if (name === undefined || version === undefined)
      return { gaps: ['it does not say which package it is of'] };
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
  // Where distributions are installed, they were installed by it.
  read: ({ content }) => ({
    packages: allPackages(linesOf(content).flatMap(pinned)),
    wishedFor: '',
  }),
};

/** Source: github.com/pypa/pipfile. What is for development only (`develop`) is left out. */
export const pipfileLockCataloger: Cataloger = {
  name: 'pipfile-lock',
  revision: 1,
  wants: (_file, base) => base === 'Pipfile.lock',
  read: ({ content }) => {
    const packages = entriesOf(jsonObjectOf(content)['default']).flatMap(([key, value]): FoundPackage[] => {
      const name = named(key);
      const stated = isJsonObject(value) ? named(value['version']) : undefined;
      // What comes from a folder or a repository has no version.
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

/** An expression, else a short text, else the classifiers. */
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

/** What stands in `Requires-Dist`. An egg has it elsewhere, and so tells nothing here. */
function needsOf(path: string, content: Buffer): Pick<FoundPackage, 'needs' | 'needsMore'> {
  const stated = valuesOf(content, 'requires-dist', mostNeeds + 1);
  if (stated.length === 0 && !path.endsWith('/METADATA')) return {};
  const needs = stated.slice(0, mostNeeds).flatMap(needOf);
  return { needs, needsMore: stated.length > mostNeeds || undefined };
}

/** What is for an extra alone is nobody's need by itself; with another marker it is one of some systems. */
function needOf(requirement: string): string[] {
  const [, name, marker = ''] =
    /^([A-Za-z0-9][\w.-]{0,200})\s*(?:\[[^\]]*\])?[^;]*(?:;(.*))?$/.exec(requirement) ?? [];
  if (name === undefined || /\bextra\b/.test(marker)) return [];
  return [marker.trim() === '' ? name : `?${name}`];
}

/** `name[extra]==1.2 ; marker --hash=…`; anything else is not one version. */
function pinned(line: string): FoundPackage[] {
  const match =
    /^\s*([A-Za-z0-9][\w.-]{0,200})\s*(?:\[[^\]]{0,200}\])?\s*===?\s*([\w.!+-]{1,100})\s*(?:[;#\\].*|--.*)?$/.exec(
      line,
    );
  if (match === null) return [];
  const [, name = '', version = ''] = match;
  return [{ ecosystem: 'pypi', name, version }];
}
