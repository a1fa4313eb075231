import { expect, it } from 'vitest';
import type { Component } from '../types.ts';
import { cpeOf, systemCpe } from './cpe.ts';

it.each([
  ['debian', '13', 'cpe:2.3:o:debian:debian_linux:13.0:*:*:*:*:*:*:*'],
  ['ubuntu', '24.04', 'cpe:2.3:o:canonical:ubuntu_linux:24.04:*:*:*:*:*:*:*'],
  ['alpine', '3.20.1', 'cpe:2.3:o:alpinelinux:alpine_linux:3.20.1:*:*:*:*:*:*:*'],
  ['alpine', '3.20_alpha+1', 'cpe:2.3:o:alpinelinux:alpine_linux:3.20_alpha\\+1:*:*:*:*:*:*:*'],
  ['debian', '', undefined],
  ['debian', 'a b', undefined],
  ['wolfi', '2023', undefined],
])('%s %s', (id, versionId, cpe) => {
  expect(systemCpe({ id, versionId, name: id })).toBe(cpe);
});

it('a distribution’s own CPE counts first', () => {
  const cpe = 'cpe:/o:redhat:enterprise_linux:9::baseos';
  expect(systemCpe({ id: 'rhel', versionId: '9.4', name: 'RHEL', cpe })).toBe(cpe);
});

it.each<[Component['ecosystem'], string, string | undefined]>([
  ['binary', 'node', 'cpe:2.3:a:nodejs:node.js:1.2-rc\\+1:*:*:*:*:*:*:*'],
  ['pypi', 'Django', 'cpe:2.3:a:djangoproject:django:1.2-rc\\+1:*:*:*:*:*:*:*'],
  ['npm', 'django', undefined],
  ['deb', 'openssl', undefined],
])('%s %s', (ecosystem, name, cpe) => {
  const component = { ecosystem, name, version: '1.2-RC+1', purl: 'pkg:x', places: [] };
  expect(cpeOf(component)).toBe(cpe);
  expect(cpeOf({ ...component, otherNames: ['a guess'] })).toBeUndefined();
});
