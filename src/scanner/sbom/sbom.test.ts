import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { scanVectors } from '../shared-data.fixture.ts';
import type { Inventory, Report, Vulnerability } from '../types.ts';
import { cycloneDxOf } from './cyclonedx.ts';
import { readSbom } from './read-sbom.ts';
import { spdxOf } from './spdx.ts';

const layer = digestOf('layer');
const lodash = {
  ecosystem: 'npm',
  name: '@s/lodash',
  version: '4.17.20',
  purl: 'pkg:npm/%40s/lodash@4.17.20',
  licences: ['MIT'],
  places: [
    { path: 'app/node_modules/@s/lodash/package.json', layer },
    { path: 'lib/node_modules/@s/lodash/package.json', layer },
  ],
} as const;
const libc = {
  ecosystem: 'deb',
  name: 'libc6',
  version: '2.41-12',
  purl: 'pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13&upstream=glibc%402.41-12',
  source: { name: 'glibc', version: '2.41-12' },
  architecture: 'amd64',
  places: [{ path: 'var/lib/dpkg/status', layer }],
} as const;
const maven = {
  ecosystem: 'maven',
  name: 'org.a:b',
  version: '1',
  purl: 'pkg:maven/org.a/b@1',
  places: [{ path: 'app.jar!/lib/b.jar', layer }],
} as const;
const inventory: Inventory = {
  distribution: { id: 'debian', versionId: '13', name: 'Debian GNU/Linux 13 (trixie)' },
  components: [libc, maven, lodash],
  layers: [{ diffId: layer, createdBy: 'ADD root' }],
  gaps: [],
};
const vulnerability: Vulnerability = {
  class: 'vulnerability',
  id: 'CVE-2021-23337',
  title: 'Command injection in lodash',
  severity: 'high',
  places: lodash.places,
  aliases: ['GHSA-35jh-r3h4-6jhm'],
  component: lodash,
  severitySource: 'ghsa',
  cvss: { score: 7.2, vector: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' },
  fixedIn: ['4.17.21'],
  status: 'fixed',
  epss: 0.01,
  knownExploited: false,
  published: '2021-05-06T16:05:51Z',
  url: 'https://example.org/CVE-2021-23337',
};
const report: Report = {
  form: 1,
  target: { name: 'app:1', kind: 'image', digest: digestOf('manifest') },
  scannedAt: '2026-01-02T03:04:05.678Z',
  inventory,
  findings: [
    vulnerability,
    { ...vulnerability, id: 'CVE-2', severity: 'unknown', cvss: undefined, fixedIn: [] },
  ],
  suppressed: [{ finding: { ...vulnerability, id: 'CVE-3' }, reason: 'the function is never called' }],
};
const bare: Report = {
  form: 1,
  target: { name: 'folder', kind: 'folder' },
  scannedAt: '2026-01-02T03:04:05.678Z',
  inventory: { components: [], layers: [], gaps: [{ path: 'a.jar', reason: 'too long' }] },
  findings: [],
  suppressed: [],
};

function bytesOf(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}

const published = fileURLToPath(
  new URL('../../../node_modules/@cyclonedx/cyclonedx-library/res/schema/', import.meta.url),
);

function validator(folder: string, file: string, ...others: readonly string[]): ValidateFunction {
  const schema = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const ajv = new Ajv({ strict: false, validateFormats: true });
  addFormats.default(ajv);
  ajv.addFormat('iri-reference', true);
  ajv.addFormat('idn-email', true);
  // They refer to each other by file names.
  for (const name of others) ajv.addSchema({ ...schema(name), $id: `http://cyclonedx.org/schema/${name}` });
  return ajv.compile(schema(file));
}

/** A package with all statements. */
const full: Report = {
  ...report,
  inventory: {
    ...inventory,
    components: [
      { ...libc, dependsOn: [], licences: ['GPL-2+', 'own words'], supplier: 'A <a@example.org>' },
      { ...maven, hashes: [`sha1:${'a'.repeat(40)}`, `sha256:${'b'.repeat(64)}`], supplier: 'Acme' },
      { ...lodash, dependsOn: [maven.purl], needsMore: true, licences: ['MIT or GPL-2+'], supplier: 'B' },
      {
        ecosystem: 'binary',
        name: 'node',
        version: '24.1.0',
        purl: 'pkg:generic/node@24.1.0',
        places: [{ path: 'bin/node' }],
      },
    ],
  },
};

describe('a document is valid by the schema', () => {
  const named = (name: string) => `${name}.SNAPSHOT.schema.json`;
  it.each([report, bare, full])('of CycloneDX 1.6', (each) => {
    const validate = validator(published, named('bom-1.6'), named('spdx'), named('jsf-0.82'));
    expect([validate(cycloneDxOf(each)), validate.errors]).toEqual([true, null]);
    expect(validate({ ...cycloneDxOf(each), components: 'none' })).toBe(false);
  });

  it.for([report, bare, full])('of SPDX 2.3', (each, test) => {
    const validate = validator(scanVectors(test, 'schemas'), 'spdx-2.3.schema.json');
    expect([validate(spdxOf(each)), validate.errors]).toEqual([true, null]);
  });
});

describe.each([
  ['CycloneDX', cycloneDxOf],
  ['SPDX', spdxOf],
])('%s', (_form, write) => {
  it('is the same for the same report, and differs for another', () => {
    expect(JSON.stringify(write(report))).toBe(JSON.stringify(write(structuredClone(report))));
    const later = write({ ...report, inventory: { ...inventory, components: [libc] } });
    expect(JSON.stringify(later)).not.toBe(JSON.stringify(write(report)));
  });

  it('reads back as it was written', () => {
    const read = readSbom(bytesOf(write(report)));
    expect(read.distribution).toEqual(inventory.distribution);
    expect(read.gaps).toEqual([]);
    expect(read.components.map(({ places: _places, licences: _licences, ...rest }) => rest)).toEqual(
      inventory.components.map(({ places: _places, ...rest }) => {
        const { licences: _licences, ...others } = { licences: undefined, ...rest };
        return others;
      }),
    );
    const paths = read.components.flatMap(({ places }) => places.map(({ path }) => path));
    expect(paths).toEqual(inventory.components.flatMap(({ places }) => places.map(({ path }) => path)));
  });

  it('that is incomplete says so', () => {
    expect(JSON.stringify(write(bare))).toMatch(/incomplete|could not be read/);
  });
});

describe('the dependency graph', () => {
  const known: Report = {
    ...report,
    inventory: {
      ...inventory,
      components: [
        { ...libc, dependsOn: [] },
        maven,
        { ...lodash, dependsOn: [maven.purl, 'pkg:npm/elsewhere@1'], needsMore: true },
      ],
    },
  };

  it('of CycloneDX leads from the target through the distribution, and states how complete it is', () => {
    const { dependencies, compositions } = cycloneDxOf(known);
    expect(dependencies).toEqual([
      { ref: 'scanned', dependsOn: ['os:debian-13', lodash.purl] },
      { ref: 'os:debian-13', dependsOn: [libc.purl] },
      { ref: libc.purl, dependsOn: [] },
      { ref: lodash.purl, dependsOn: [maven.purl] },
    ]);
    expect(compositions).toEqual([
      { aggregate: 'unknown', assemblies: ['scanned'] },
      { aggregate: 'complete', dependencies: [libc.purl] },
      { aggregate: 'unknown', dependencies: [maven.purl] },
      { aggregate: 'incomplete', dependencies: [lodash.purl] },
    ]);
    expect(readSbom(bytesOf(cycloneDxOf(known))).gaps).toEqual([]);
  });

  it('of SPDX says the same', () => {
    const { packages, relationships } = spdxOf(known);
    const named = new Map(
      (packages as { SPDXID: string; name: string }[]).map(({ SPDXID, name }) => [SPDXID, name]),
    );
    const of = (id: string) => named.get(id) ?? id;
    const edges = (relationships as Record<string, string>[])
      .filter(({ relationshipType }) => relationshipType === 'DEPENDS_ON')
      .map((each) => [of(each['spdxElementId'] ?? ''), of(each['relatedSpdxElement'] ?? '')].join(' → '));
    expect(edges).toEqual([
      'app:1 → debian',
      'debian → libc6',
      'app:1 → @s/lodash',
      'libc6 → NONE',
      'org.a:b → NOASSERTION',
      '@s/lodash → org.a:b',
      '@s/lodash → NOASSERTION',
    ]);
  });
});

describe('the vulnerabilities in CycloneDX', () => {
  it('state affected components, severities, and reasons of suppressions', () => {
    expect(cycloneDxOf(report)['vulnerabilities']).toMatchObject([
      {
        id: 'CVE-2021-23337',
        references: [{ id: 'GHSA-35jh-r3h4-6jhm' }],
        ratings: [{ severity: 'high', score: 7.2, method: 'CVSSv31', source: { name: 'ghsa' } }],
        recommendation: 'Upgrade @s/lodash to 4.17.21.',
        affects: [{ ref: lodash.purl }],
      },
      { id: 'CVE-2', ratings: [{ severity: 'unknown' }] },
      { id: 'CVE-3', analysis: { state: 'not_affected', detail: 'the function is never called' } },
    ]);
  });
});

describe('a document by another program', () => {
  const cyclonedx = (components: readonly object[], more: object = {}) =>
    readSbom(bytesOf({ bomFormat: 'CycloneDX', specVersion: '1.5', components, ...more }));
  const library = { type: 'library', name: 'a', version: '1', purl: 'pkg:npm/a@1' };

  it('by Syft is read', () => {
    const { components, distribution } = cyclonedx([
      {
        ...library,
        purl: 'pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12&upstream=bash-src',
        properties: [
          { name: 'syft:location:0:layerID', value: layer },
          { name: 'syft:location:0:path', value: '/var/lib/dpkg/status' },
        ],
      },
      { type: 'operating-system', name: 'debian', version: '12', description: 'Debian 12' },
      { type: 'file', name: '/etc/passwd' },
    ]);
    expect(distribution).toEqual({ id: 'debian', versionId: '12', name: 'Debian 12' });
    expect(components).toMatchObject([
      {
        name: 'bash',
        source: { name: 'bash-src', version: '5.2' },
        places: [{ path: 'var/lib/dpkg/status' }],
      },
    ]);
  });

  it('by Trivy is read', () => {
    const { components, gaps } = cyclonedx([
      { type: 'application', name: 'package-lock.json', components: [library] },
      {
        ...library,
        name: 'c',
        purl: 'pkg:npm/c@1',
        properties: [{ name: 'aquasecurity:trivy:FilePath', value: 'c/package.json' }],
      },
    ]);
    expect(components.map(({ name, places }) => [name, places])).toEqual([
      ['a', [{ path: 'a' }]],
      ['c', [{ path: 'c/package.json' }]],
    ]);
    expect(gaps).toEqual([]);
  });

  it('gets its distribution from its packages', () => {
    const purl = (name: string, distro: string) => ({
      ...library,
      purl: `pkg:deb/debian/${name}@1?distro=${distro}`,
    });
    const { distribution } = cyclonedx([
      purl('a', 'debian-13'),
      purl('b', 'debian-13'),
      purl('c', 'debian-12'),
    ]);
    expect(distribution).toMatchObject({ id: 'debian', versionId: '13' });
  });

  it.each([
    ['a package without a package URL', { type: 'library', name: 'x', version: '1' }, 'no package URL'],
    [
      'a package URL of a kind that is not known',
      { ...library, purl: 'pkg:nuget/x@1' },
      'of an unknown kind',
    ],
    ['an invalid package URL', { ...library, purl: 'x' }, 'is invalid'],
    ['a package without a version', { ...library, purl: 'pkg:npm/a' }, 'no version'],
    ['a package of an unknown distribution', { ...library, purl: 'pkg:deb/debian/a@1' }, 'the distribution'],
  ])('has a gap for %s', (_what, component, reason) => {
    expect(
      cyclonedx([component])
        .gaps.map((gap) => gap.reason)
        .join(),
    ).toContain(reason);
  });

  it('has a gap when it says that it is incomplete', () => {
    expect(cyclonedx([], { compositions: [{ aggregate: 'incomplete_first_party_only' }] }).gaps).toHaveLength(
      1,
    );
  });

  it('of SPDX leaves out the image itself', () => {
    const packages = [
      {
        SPDXID: 'SPDXRef-root',
        name: 'image',
        externalRefs: [{ referenceType: 'purl', referenceLocator: 'pkg:oci/x@1' }],
      },
      {
        SPDXID: 'SPDXRef-a',
        name: 'a',
        externalRefs: [{ referenceType: 'purl', referenceLocator: 'pkg:npm/a@1' }],
      },
      { SPDXID: 'SPDXRef-b', name: 'b', versionInfo: '1' },
    ];
    const relationships = [
      {
        spdxElementId: 'SPDXRef-DOCUMENT',
        relationshipType: 'DESCRIBES',
        relatedSpdxElement: 'SPDXRef-root',
      },
    ];
    const { components, gaps } = readSbom(bytesOf({ spdxVersion: 'SPDX-2.3', packages, relationships }));
    expect(components.map(({ name }) => name)).toEqual(['a']);
    expect(gaps).toEqual([{ path: 'b', reason: expect.stringContaining('no package URL') }]);
  });

  it.each([
    ['text', 'hello'],
    ['XML', '<bom/>'],
    ['a list', '[]'],
    ['something else', '{"a":1}'],
    ['an old version', '{"bomFormat":"CycloneDX","specVersion":"1.1"}'],
    ['SPDX 3', '{"spdxVersion":"SPDX-3.0"}'],
    ['components of the wrong form', '{"bomFormat":"CycloneDX","specVersion":"1.6","components":{"a":1}}'],
    ['deep nesting', '{"bomFormat":"CycloneDX","components":'.padEnd(5000, '[')],
    ['no UTF-8', Buffer.from([0x7b, 0xff])],
  ])('that is %s is refused', (_what, text) => {
    expect(() => readSbom(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'SBOM_INVALID' }));
  });
});

it('a document has digests, CPE names and the package URL of the image', () => {
  const root = `pkg:oci/app@${digestOf('manifest')}`;
  const bom = cycloneDxOf(full);
  expect(bom['metadata']).toMatchObject({ component: { purl: root } });
  expect(bom['components']).toMatchObject([
    { type: 'operating-system', cpe: 'cpe:2.3:o:debian:debian_linux:13.0:*:*:*:*:*:*:*' },
    { name: 'libc6' },
    {
      name: 'b',
      hashes: [
        { alg: 'SHA-1', content: 'a'.repeat(40) },
        { alg: 'SHA-256', content: 'b'.repeat(64) },
      ],
    },
    { name: 'lodash' },
    { name: 'node', cpe: 'cpe:2.3:a:nodejs:node.js:24.1.0:*:*:*:*:*:*:*' },
  ]);
  expect(spdxOf(full)['packages']).toMatchObject([
    { externalRefs: [{ referenceType: 'purl', referenceLocator: root }] },
    { externalRefs: [{ referenceType: 'cpe23Type' }] },
    { name: 'libc6', supplier: 'Organization: A (a@example.org)' },
    {
      supplier: 'Organization: Acme',
      checksums: [
        { algorithm: 'SHA1', checksumValue: 'a'.repeat(40) },
        { algorithm: 'SHA256', checksumValue: 'b'.repeat(64) },
      ],
    },
    { supplier: 'Person: B' },
    { externalRefs: [{ referenceType: 'purl' }, { referenceType: 'cpe23Type' }] },
  ]);
});

it('a component that is not installed is marked in both formats', () => {
  const kept: Report = { ...report, inventory: { ...inventory, components: [{ ...lodash, kept: true }] } };
  expect(cycloneDxOf(kept)).toMatchObject({
    components: [{ type: 'operating-system' }, { name: 'lodash', scope: 'optional' }],
  });
  expect(JSON.stringify(spdxOf(kept))).toContain('not installed, found at: app/node_modules');
});

it('a document has suppliers and licences', () => {
  const stated = {
    ...report,
    inventory: {
      ...inventory,
      components: [
        {
          ...libc,
          supplier: 'GNU Libc Maintainers <debian-glibc@lists.debian.org>',
          licences: ['GPLv2+ and (BSD)'],
        },
        lodash,
        maven,
      ],
    },
  };
  const { packages, hasExtractedLicensingInfos: extracted } = spdxOf(stated);
  const text = (extracted as { licenseId: string; extractedText: string }[])[0];
  expect(packages).toMatchObject([
    {},
    {},
    {
      supplier: 'Organization: GNU Libc Maintainers (debian-glibc@lists.debian.org)',
      licenseDeclared: `GPL-2.0-or-later AND ${text?.licenseId}`,
    },
    { supplier: 'NOASSERTION', licenseDeclared: 'MIT' },
    { supplier: 'NOASSERTION', licenseDeclared: 'NOASSERTION' },
  ]);
  expect(text?.extractedText).toBe('BSD');
  expect(cycloneDxOf(stated)['components']).toContainEqual(
    expect.objectContaining({
      name: 'libc6',
      supplier: { name: 'GNU Libc Maintainers', contact: [{ email: 'debian-glibc@lists.debian.org' }] },
    }),
  );
});
