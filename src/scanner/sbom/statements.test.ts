import { expect, it } from 'vitest';
import { declaredLicence, licenceChoices, supplierOf } from './statements.ts';

it.each<[readonly string[] | undefined, string | undefined]>([
  [undefined, undefined],
  [[], undefined],
  [['MIT'], 'MIT'],
  [['MIT', 'MIT'], 'MIT'],
  [['MIT AND BSD-2-Clause'], 'MIT AND BSD-2-Clause'],
  [['MIT OR Apache-2.0', 'ISC'], '(MIT OR Apache-2.0) AND ISC'],
  [['GPL-2.0-or-later'], 'GPL-2.0-or-later'],
])('%j is declared as %s', (licences, expression) => {
  expect(declaredLicence(licences)?.expression).toBe(expression);
  expect(declaredLicence(licences)?.extracted ?? []).toEqual([]);
});

it.each(['MIT AND', 'SEE LICENSE IN x', 'LicenseRef-a b', '???', 'public-domain'])(
  'unknown words become a reference: %j',
  (text) => {
    const declared = declaredLicence([text]);
    expect(declared?.expression).toMatch(/^LicenseRef-[A-Za-z\d.-]+$/);
    expect(declared?.extracted).toEqual([
      { licenseId: declared?.expression, name: text, extractedText: text },
    ]);
  },
);

it('keeps known ids of an expression, and defines the rest', () => {
  const { expression, extracted } = declaredLicence(['GPL-2+ and BSD-own', 'BSD-own']) ?? {};
  const [reference] = extracted ?? [];
  expect(expression).toBe(
    `(GPL-2.0-or-later AND ${reference?.['licenseId']}) AND ${reference?.['licenseId']}`,
  );
  expect(extracted).toMatchObject([{ name: 'BSD-own' }]);
});

it.each<[readonly string[], readonly object[]]>([
  [
    ['MIT', 'BSD'],
    [{ license: { id: 'MIT' } }, { license: { name: 'BSD' } }],
  ],
  [['MIT or GPL-2+'], [{ expression: 'MIT OR GPL-2.0-or-later' }]],
  [['MIT or GPL-2+', 'ISC'], [{ expression: '(MIT OR GPL-2.0-or-later) AND ISC' }]],
  [['GPL-2 with Linux-syscall-note exception'], [{ expression: 'GPL-2.0-only WITH Linux-syscall-note' }]],
  [['MIT or own'], [{ license: { name: 'MIT or own' } }]],
  [[], []],
])('%j in CycloneDX', (licences, choices) => {
  expect(licenceChoices(licences)).toMatchObject([...choices]);
});

it.each([
  ['Debian OpenSSL Team <pkg-openssl@debian.org>', 'Debian OpenSSL Team', 'pkg-openssl@debian.org'],
  [
    'Red Hat, Inc. <http://bugzilla.redhat.com/bugzilla>',
    'Red Hat, Inc. <http://bugzilla.redhat.com/bugzilla>',
    undefined,
  ],
  ['Timo', 'Timo', undefined],
])('%s', (text, name, email) => {
  expect(supplierOf(text)).toEqual(email === undefined ? { name } : { name, email });
});
