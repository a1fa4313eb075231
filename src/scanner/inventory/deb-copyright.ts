/**
 * Reads licences of Debian's packages from `usr/share/doc/PACKAGE/copyright`. Most files are machine-readable. The others
 * at least name the licence texts that Debian keeps in one place.
 * Source: Debian, copyright-format 1.0; Debian policy, 12.5.
 */
import { linkTarget } from '../../images/index.ts';
import { orUndefined } from './hashes.ts';
import { named } from './text.ts';
import type { Cataloger, Copyright, Proof } from './types.ts';

const filePath = /^usr\/share\/doc\/([^/]+)\/copyright$/;
/** Packages of the same source may have a link in place of the file or of its folder. */
const linkPath = /^usr\/share\/doc\/([^/]+)(?:\/copyright)?$/;
const maxBytes = 512 * 1024;
const mostLicences = 100;
/** A short name is one licence, two joined ones, or one with an exception. Longer names are the licence text itself. */
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

/** Reads a link; undefined when it does not lead to a copyright file. */
export function copyrightLink(path: string, target: string): Proof | undefined {
  const of = linkPath.exec(path)?.[1];
  if (of === undefined) return undefined;
  const sameAs = linkPath.exec(linkTarget(path, target) ?? '')?.[1];
  return sameAs === undefined || sameAs === of ? undefined : { copyright: { of, sameAs } };
}

/** Looks up licences by package, and follows links. */
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

/** The text applies, but only the words around it say in which version. */
function commonTexts(text: string): string[] {
  const found = text.matchAll(/\/usr\/share\/common-licenses\/([A-Z][\w.+-]{0,40}\w)/g);
  return [...found].map(([, name = '']) => (/GPL|GFDL/.test(name) ? `common-licenses/${name}` : name));
}

function isShort(name: string): boolean {
  return name.length <= longestName && name.split(/\s+/).length <= mostWords;
}
