/**
 * Converts statements of packages for SBOMs: supplier and licence.
 * Sources: SPDX specification 2.3, 7.5, 7.15, 10.1 and annex D; CycloneDX, JSON reference 1.6.
 */
import type { JsonObject } from '../../lib/index.ts';
import { shortIdOf } from './identity.ts';
import { type Licence, licenceOf } from './licence-expression.ts';

interface DeclaredLicence {
  /** A valid SPDX expression. */
  readonly expression: string;
  /** Definitions of its `LicenseRef`s. */
  readonly extracted: readonly JsonObject[];
}

const longestName = 500;

/** Joins all licences for SPDX. Undefined when the package states none. */
export function declaredLicence(licences: readonly string[] | undefined): DeclaredLicence | undefined {
  if (licences === undefined || licences.length === 0) return undefined;
  const parts = [...new Set(licences)].map(licenceOf);
  const [first] = parts;
  const all: Licence = parts.length === 1 && first ? first : { join: 'AND', of: parts };
  return {
    expression: expressionOf(all),
    extracted: [...new Set(namesIn(all))].map((name) => ({
      licenseId: referenceTo(name),
      name: name.slice(0, longestName),
      extractedText: name,
    })),
  };
}

/** The licences for CycloneDX: each by id or name, or one expression if all ids are known. */
export function licenceChoices(licences: readonly string[] | undefined): JsonObject[] {
  const acknowledgement = 'declared';
  const stated = [...new Set(licences)].map((words) => ({ words, licence: licenceOf(words) }));
  const isPlain = stated.every(({ licence }) => 'id' in licence && licence.exception === undefined);
  const isWhole = stated.every(({ licence }) => namesIn(licence).length === 0);
  if (stated.length > 0 && isWhole && !isPlain)
    return [{ expression: declaredLicence(licences)?.expression ?? '', acknowledgement }];
  return stated.map(({ words, licence }) => ({
    license: {
      ...('id' in licence && licence.exception === undefined ? { id: licence.id } : { name: words }),
      acknowledgement,
    },
  }));
}

function expressionOf(licence: Licence, isInside = false): string {
  if ('named' in licence) return referenceTo(licence.named);
  if ('id' in licence)
    return licence.exception === undefined ? licence.id : `${licence.id} WITH ${licence.exception}`;
  const text = licence.of.map((each) => expressionOf(each, true)).join(` ${licence.join} `);
  return isInside ? `(${text})` : text;
}

function namesIn(licence: Licence): readonly string[] {
  if ('named' in licence) return [licence.named];
  return 'of' in licence ? licence.of.flatMap(namesIn) : [];
}

/** Contains some words of the name for readers. */
function referenceTo(name: string): string {
  const words = name.replaceAll(/[^A-Za-z0-9.]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return ['LicenseRef', ...(words === '' ? [] : [words.slice(0, 40)]), shortIdOf(name).slice(0, 8)].join('-');
}

/** Parses `Name <address>`, the notation of distributions. */
export function supplierOf(text: string): { readonly name: string; readonly email?: string } {
  const match = /^"?([^<"]{1,200}?)"?\s*<([^<>\s@]{1,100}@[^<>\s@]{1,100})>/.exec(text);
  return match === null ? { name: text } : { name: match[1] ?? '', email: match[2] ?? '' };
}
