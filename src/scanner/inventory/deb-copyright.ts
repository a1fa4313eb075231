/**
 * Licences of Debian's packages: `usr/share/doc/PACKAGE/copyright`, most of them in the form that machines read. The others
 * name at least the texts that Debian has in one place.
 * Source: Debian, copyright-format 1.0; Debian policy, 12.5.
 */
import { linkTarget } from '../../images/index.ts';
import { orUndefined } from './hashes.ts';
import { named } from './text.ts';
import type { Cataloger, Copyright, Proof } from './types.ts';

const filePath = /^usr\/share\/doc\/([^/]+)\/copyright$/;
/** A package of the same source has a link in its place, or in that of the folder. */
const linkPath = /^usr\/share\/doc\/([^/]+)(?:\/copyright)?$/;
const maxBytes = 512 * 1024;
const mostLicences = 100;
/** A short name is one, two joined, or one with an exception; longer ones are the text itself. */
const longestName = 100;
const mostWords = 10;

export const debCopyrightCataloger: Cataloger = {
  name: 'deb-copyright',
  revision: 1,
  wants: ({ path }) => filePath.test(path),
  read: ({ path, content }) => {
    const of = filePath.exec(path)?.[1];
    return of === undefined
      ? undefined
      : { copyright: { of, licences: orUndefined(licencesIn(content, path)) } };
  },
};

/** What a link says; undefined when it is none to a copyright. */
export function copyrightLink(path: string, target: string): Proof | undefined {
  const of = linkPath.exec(path)?.[1];
  if (of === undefined) return undefined;
  const sameAs = linkPath.exec(linkTarget(path, target) ?? '')?.[1];
  return sameAs === undefined || sameAs === of ? undefined : { copyright: { of, sameAs } };
}

/** By package, following links. */
export function licencesOfDebian(
  copyrights: Iterable<Copyright>,
): (name: string) => readonly string[] | undefined {
  const byName = new Map<string, Copyright>();
  for (const each of copyrights) byName.set(each.of, each);
  return (name) => {
    const own = byName.get(name);
    return own?.licences ?? byName.get(own?.sameAs ?? '')?.licences;
  };
}

function licencesIn(content: Buffer, path: string): readonly string[] {
  const text = content.toString('utf8', 0, maxBytes);
  const isForMachines = /^Format(?:-Specification)?:/im.test(text.slice(0, 2000));
  const names = isForMachines ? shortNames(text) : commonTexts(text);
  const place = `see ${path}`;
  const all = [...new Set(names.map((name) => (isShort(name) ? name : place)))];
  if (all.length === 0) return text.trim() === '' ? [] : [place];
  return all.length <= mostLicences && content.length <= maxBytes
    ? all
    : [...all.slice(0, mostLicences), place];
}

function shortNames(text: string): string[] {
  return [...text.matchAll(/^License:[ \t]*(\S.*)$/gim)].flatMap(([, name]) => named(name) ?? []);
}

/** Such a text is in force, but not in which of its versions: that is said in words around it. */
function commonTexts(text: string): string[] {
  const found = text.matchAll(/\/usr\/share\/common-licenses\/([A-Z][\w.+-]{0,40}\w)/g);
  return [...found].map(([, name = '']) => (/GPL|GFDL/.test(name) ? `common-licenses/${name}` : name));
}

function isShort(name: string): boolean {
  return name.length <= longestName && name.split(/\s+/).length <= mostWords;
}
