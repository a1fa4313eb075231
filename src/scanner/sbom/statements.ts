/**
 * What packages state of themselves, as SBOMs have it: who made them, and under which licence.
 * Sources: SPDX specification 2.3, 7.5, 7.15, 10.1 and annex D; CycloneDX, JSON reference 1.6.
 */
import type { JsonObject } from '../../lib/index.ts';
import { shortIdOf } from './identity.ts';

/** The ids of the SPDX list that nearly all packages use; any other is a `LicenseRef` with the words of the package. */
const ids =
  /^(?:0BSD|Apache-[12]\.[01]|Artistic-[12]\.0(?:-Perl)?|BlueOak-1\.0\.0|BSD-[1234]-Clause|BSL-1\.0|bzip2-1\.0\.6|CC0-1\.0|CC-BY-[34]\.0|CDDL-1\.[01]|curl|EPL-[12]\.0|FTL|[AL]?GPL-(?:1\.0|2\.0|2\.1|3\.0)-(?:only|or-later)|ISC|MIT|MIT-0|MPL-[12]\.[01]|OpenSSL|OFL-1\.1|PostgreSQL|PSF-2\.0|Python-2\.0|Ruby|Unicode-3\.0|Unlicense|UPL-1\.0|Vim|WTFPL|X11|Zlib|ZPL-2\.1)$/;
const longestExpression = 500;

export interface DeclaredLicence {
  /** A valid expression of SPDX. */
  readonly expression: string;
  /** What its `LicenseRef`s stand for. */
  readonly extracted: readonly JsonObject[];
}

/** Undefined where the package states none. */
export function declaredLicence(licences: readonly string[] | undefined): DeclaredLicence | undefined {
  if (licences === undefined || licences.length === 0) return undefined;
  const parts = licences.map((licence) => (isExpression(licence) ? licence : referenceOf(licence)));
  const isSingle = parts.length === 1;
  const texts = parts.map((part) => (typeof part === 'string' ? part : String(part['licenseId'])));
  return {
    expression: texts.map((text) => (isSingle || !text.includes(' ') ? text : `(${text})`)).join(' AND '),
    extracted: parts.filter((part) => typeof part !== 'string'),
  };
}

/** Only ids of the list, joined by AND and OR, without brackets. */
function isExpression(text: string): boolean {
  return text.length <= longestExpression && text.split(/ (?:AND|OR) /).every((part) => ids.test(part));
}

function referenceOf(licence: string): JsonObject {
  return {
    licenseId: `LicenseRef-${shortIdOf(licence)}`,
    name: licence.slice(0, longestExpression),
    extractedText: licence,
  };
}

/** `Name <address>`, as distributions write it. */
export function supplierOf(text: string): { readonly name: string; readonly email?: string } {
  const match = /^"?([^<"]{1,200}?)"?\s*<([^<>\s@]{1,100}@[^<>\s@]{1,100})>/.exec(text);
  return match === null ? { name: text } : { name: match[1] ?? '', email: match[2] ?? '' };
}
