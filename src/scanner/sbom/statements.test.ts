import { expect, it } from 'vitest';
import { declaredLicence, supplierOf } from './statements.ts';

it.each<[readonly string[] | undefined, string | undefined]>([
  [undefined, undefined],
  [[], undefined],
  [['MIT'], 'MIT'],
  [['MIT AND BSD-2-Clause'], 'MIT AND BSD-2-Clause'],
  [['MIT OR Apache-2.0', 'ISC'], '(MIT OR Apache-2.0) AND ISC'],
  [['GPL-2.0-or-later'], 'GPL-2.0-or-later'],
])('%j is declared as %s', (licences, expression) => {
  expect(declaredLicence(licences)?.expression).toBe(expression);
  expect(declaredLicence(licences)?.extracted ?? []).toEqual([]);
});

it.each(['GPLv2+ and (BSD)', 'MIT AND', 'SEE LICENSE IN x', 'LicenseRef-a b', 'MIT\nAND'])(
  'in words of its own it is a reference to them: %j',
  (text) => {
    const declared = declaredLicence([text]);
    expect(declared?.expression).toMatch(/^LicenseRef-[\w.-]+$/);
    expect(declared?.extracted).toEqual([
      { licenseId: declared?.expression, name: text, extractedText: text },
    ]);
  },
);

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
