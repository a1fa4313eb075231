import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { licenceOf } from './licence-expression.ts';
import { exceptionIds, licenceIds } from './spdx-ids.ts';
import { declaredLicence } from './statements.ts';

const schema = fileURLToPath(
  new URL(
    '../../../node_modules/@cyclonedx/cyclonedx-library/res/schema/spdx.SNAPSHOT.schema.json',
    import.meta.url,
  ),
);

/** Puts names unknown to SPDX in angle brackets. */
function expressionOf(text: string): string {
  const declared = declaredLicence([text]);
  return (declared?.extracted ?? []).reduce<string>(
    (all, { licenseId, name }) => all.replaceAll(String(licenseId), `<${name}>`),
    declared?.expression ?? '',
  );
}

describe('a licence in the words of', () => {
  it.each([
    ['SPDX', '(MIT OR Apache-2.0)', 'MIT OR Apache-2.0'],
    ['SPDX', 'MIT AND (ISC OR (BSD-2-Clause AND Zlib))', 'MIT AND (ISC OR (BSD-2-Clause AND Zlib))'],
    ['SPDX', 'Apache-2.0 WITH LLVM-exception OR MIT', 'Apache-2.0 WITH LLVM-exception OR MIT'],
    ['SPDX of old', 'GPL-2.0+', 'GPL-2.0-or-later'],
    ['SPDX of old', 'LGPL-2.1', 'LGPL-2.1-only'],
    ['npm', 'UNLICENSED', '<UNLICENSED>'],
    ['npm', 'SEE LICENSE IN LICENSE.md', '<SEE LICENSE IN LICENSE.md>'],
    ['npm', 'mit', 'MIT'],
    ['npm', 'Apache 2.0', 'Apache-2.0'],
    ['Debian', 'GPL-2+', 'GPL-2.0-or-later'],
    ['Debian', 'LGPL-2.1', 'LGPL-2.1-only'],
    ['Debian', 'Expat', 'MIT'],
    ['Debian', 'BSD-3-clause', 'BSD-3-Clause'],
    ['Debian', 'GPL-1+ or Artistic', 'GPL-1.0-or-later OR Artistic-1.0'],
    ['Debian', 'GFDL-NIV-1.3+', 'GFDL-1.3-no-invariants-or-later'],
    ['Debian', 'GPL-2+ and LGPL-2.1+ or Expat', '(GPL-2.0-or-later AND LGPL-2.1-or-later) OR MIT'],
    ['Debian', 'GPL-2+ or Artistic, and BSD-own', '(GPL-2.0-or-later OR Artistic-1.0) AND <BSD-own>'],
    ['Debian', 'Apache-2.0 with LLVM exception', 'Apache-2.0 WITH LLVM-exception'],
    ['Debian', 'GPL-3+ with Bison exception', '<GPL-3+ with Bison exception>'],
    ['Debian', 'public-domain', '<public-domain>'],
    ['Fedora', 'GPLv2+ and (BSD or MIT)', 'GPL-2.0-or-later AND (<BSD> OR MIT)'],
    ['Fedora', 'LGPLv2+ and GPLv3', 'LGPL-2.0-or-later AND GPL-3.0-only'],
    ['Fedora', 'ASL 2.0', 'Apache-2.0'],
    ['Alpine', 'GPL2+', 'GPL-2.0-or-later'],
    ['Alpine of old', 'BSD-3-Clause GPL-2.0-or-later', 'BSD-3-Clause AND GPL-2.0-or-later'],
    ['PyPI', 'MIT License', 'MIT'],
    ['PyPI', 'GNU General Public License v2 or later (GPLv2+)', 'GPL-2.0-or-later'],
    ['PyPI', 'GNU Lesser General Public License v3 (LGPLv3)', 'LGPL-3.0-only'],
    ['PyPI', 'BSD License', '<BSD License>'],
    ['nobody', 'MIT and', '<MIT and>'],
    ['nobody', '(MIT', '<(MIT>'],
    ['nobody', 'MIT)', '<MIT)>'],
    ['nobody', 'MIT, ISC', '<MIT, ISC>'],
    ['nobody', 'GPL', '<GPL>'],
    ['nobody', 'with', '<with>'],
    ['nobody', '(('.repeat(400), `<${'(('.repeat(400).slice(0, 500)}>`],
  ])('%s: %s', (_who, text, expected) => {
    expect(expressionOf(text).slice(0, 502)).toBe(expected.slice(0, 502));
  });

  it('any source never throws, and keeps all words', () => {
    const word = fc.constantFrom('MIT', 'and', 'or', 'with', '(', ')', ',', 'own', 'GPL-2+', 'LLVM');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const text = words.join(' ').trim();
        const found = JSON.stringify(licenceOf(text));
        expect(words.includes('own')).toBe(found.includes('own'));
        expect(words.includes('MIT')).toBe(found.includes('MIT'));
      }),
    );
  });
});

it('the ids are those of CycloneDX’s schema', () => {
  const { enum: known } = JSON.parse(readFileSync(schema, 'utf8'));
  expect([...licenceIds.values(), ...exceptionIds.values()]).toEqual(known);
  expect(licenceIds.size).toBeGreaterThan(600);
});
