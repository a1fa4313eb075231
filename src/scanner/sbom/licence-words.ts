/**
 * Maps names that packages use for licences to SPDX ids: Debian's short names, Fedora's old names, Python's classifiers. It
 * only has unambiguous names; `BSD`, `GPL` or `Apache` alone are not.
 * Sources: Debian, copyright-format 1.0; Fedora, licensing guidelines; PyPI, classifiers.
 */
import { exceptionIds, licenceIds } from './spdx-ids.ts';

const synonyms: ReadonlyMap<string, string> = new Map([
  ['expat', 'MIT'],
  ['mit license', 'MIT'],
  ['the mit license', 'MIT'],
  ['the mit license (mit)', 'MIT'],
  ['apache-2', 'Apache-2.0'],
  ['apache2', 'Apache-2.0'],
  ['apache 2', 'Apache-2.0'],
  ['apache 2.0', 'Apache-2.0'],
  ['apache v2', 'Apache-2.0'],
  ['apachev2', 'Apache-2.0'],
  ['apache license 2.0', 'Apache-2.0'],
  ['apache license v2.0', 'Apache-2.0'],
  ['apache license, version 2.0', 'Apache-2.0'],
  ['apache license version 2.0', 'Apache-2.0'],
  ['the apache license, version 2.0', 'Apache-2.0'],
  ['the apache software license, version 2.0', 'Apache-2.0'],
  ['asl 2.0', 'Apache-2.0'],
  ['apache.org/licenses/license-2.0', 'Apache-2.0'],
  ['opensource.org/licenses/mit', 'MIT'],
  ['opensource.org/license/mit', 'MIT'],
  ['artistic', 'Artistic-1.0'],
  ['boost software license 1.0 (bsl-1.0)', 'BSL-1.0'],
  ['boost', 'BSL-1.0'],
  ['bsd 2-clause', 'BSD-2-Clause'],
  ['2-clause bsd license', 'BSD-2-Clause'],
  ['simplified bsd', 'BSD-2-Clause'],
  ['bsd-3', 'BSD-3-Clause'],
  ['bsd 3-clause', 'BSD-3-Clause'],
  ['bsd 3-clause license', 'BSD-3-Clause'],
  ['3-clause bsd license', 'BSD-3-Clause'],
  ['new bsd', 'BSD-3-Clause'],
  ['new bsd license', 'BSD-3-Clause'],
  ['cc0', 'CC0-1.0'],
  ['isc license', 'ISC'],
  ['isc license (iscl)', 'ISC'],
  ['mpl-2', 'MPL-2.0'],
  ['mpl 2.0', 'MPL-2.0'],
  ['mplv1.1', 'MPL-1.1'],
  ['mplv2.0', 'MPL-2.0'],
  ['mozilla public license 2.0 (mpl 2.0)', 'MPL-2.0'],
  ['psf-2', 'PSF-2.0'],
  ['the unlicense (unlicense)', 'Unlicense'],
  ['openldap-2.8', 'OLDAP-2.8'],
  ['universal permissive license (upl)', 'UPL-1.0'],
  ['zope public license', 'ZPL-2.1'],
  ['zlib/libpng license', 'Zlib'],
]);

const exceptions: ReadonlyMap<string, string> = new Map([
  ['llvm', 'LLVM-exception'],
  ['linux-syscall-note', 'Linux-syscall-note'],
  ['libtool', 'Libtool-exception'],
  ['classpath', 'Classpath-exception-2.0'],
  ['font', 'Font-exception-2.0'],
]);

/** The SPDX id of a licence's name. */
export function licenceIdOf(name: string): string | undefined {
  const plain = name
    .toLowerCase()
    .replace(/^https?:\/\/(?:www\.)?/, '')
    .replace(/\.(?:txt|html|php)$/, '');
  return gnuLicenceOf(plain) ?? licenceIds.get(plain) ?? synonyms.get(plain);
}

/** The SPDX id of the exception after `with`. */
export function exceptionIdOf(name: string): string | undefined {
  const plain = name.toLowerCase();
  return exceptionIds.get(plain) ?? exceptions.get(plain.replace(/[- ]exceptions?$/, ''));
}

/** Reads `GPL-2+`, `LGPLv2.1`, `GPL2+`, `gpl-3.0`, `GFDL-NIV-1.3+`, and the ends of Python's classifiers: `(GPLv3+)`. */
function gnuLicenceOf(plain: string): string | undefined {
  const short =
    /^gnu [a-z ]+ (?:v?\d(?:\.\d)?)?(?: or later| only)? ?\(([al]?gplv\d\+?)\)$/.exec(plain)?.[1] ?? plain;
  const match =
    /^(agpl|lgpl|gpl|gfdl(?:-niv)?)[- ]?v?(\d)(?:\.(\d))?(?:\.0)?(\+|-or-later| or later|-only| only)?$/.exec(
      short,
    );
  if (match === null) return undefined;
  const [, family = '', major = '', minor = '0', range = ''] = match;
  const [name = '', niv] = family.toUpperCase().split('-');
  const isLater = range.includes('+') || range.includes('later');
  const id = `${name}-${major}.${minor}${niv ? '-no-invariants' : ''}-${isLater ? 'or-later' : 'only'}`;
  return licenceIds.get(id.toLowerCase());
}
