/** Valid documents: SBOMs, VEX, reports, advisories, manifests of images. */
import type { JsonValue } from '../../../src/lib/index.ts';
import type { Form } from '../../../src/scanner/advisories/forms/form.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const purl = 'pkg:npm/left-pad@1.3.0';

export const sboms: readonly JsonValue[] = [
  {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      timestamp: '2024-01-01T00:00:00Z',
      component: { type: 'container', name: 'app', version: digest, 'bom-ref': 'root' },
    },
    components: [
      {
        type: 'library',
        name: 'left-pad',
        version: '1.3.0',
        purl,
        'bom-ref': 'a',
        licenses: [{ license: { id: 'MIT' } }],
      },
      { type: 'operating-system', name: 'debian', version: '13' },
      {
        type: 'library',
        name: 'openssl',
        version: '3.0-1',
        purl: 'pkg:deb/debian/openssl@3.0-1?arch=amd64&distro=debian-13',
      },
    ],
    dependencies: [{ ref: 'root', dependsOn: ['a'] }],
  },
  {
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'app',
    dataLicense: 'CC0-1.0',
    packages: [
      {
        SPDXID: 'SPDXRef-a',
        name: 'left-pad',
        versionInfo: '1.3.0',
        licenseConcluded: 'MIT',
        externalRefs: [
          { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl },
        ],
      },
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-a' },
    ],
  },
];

export const vex: readonly JsonValue[] = [
  {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.com/vex/1',
    author: 'Ops',
    timestamp: '2024-01-01T00:00:00Z',
    version: 1,
    statements: [
      {
        vulnerability: { name: 'CVE-2024-1234', aliases: ['GHSA-xxxx-yyyy-zzzz'] },
        products: [{ '@id': `pkg:oci/app@${digest}`, subcomponents: [{ '@id': purl }] }],
        status: 'not_affected',
        justification: 'component_not_present',
      },
    ],
  },
  {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    vulnerabilities: [
      {
        id: 'CVE-2024-1234',
        analysis: { state: 'not_affected', justification: 'code_not_present', detail: 'x' },
        affects: [{ ref: purl, versions: [{ version: '1.3.0' }] }],
      },
    ],
  },
];

const place = { path: 'package.json', layer: digest };
const component = { ecosystem: 'npm', name: 'left-pad', version: '1.3.0', purl };
const vulnerability: JsonValue = {
  ...{ class: 'vulnerability', id: 'CVE-2024-1234', title: 't', severity: 'high', places: [place] },
  ...{
    aliases: ['GHSA-1'],
    component,
    severitySource: 'nvd',
    fixedIn: ['1.3.1'],
    status: 'fixed',
    epss: 0.1,
  },
  ...{
    knownExploited: false,
    published: '2024-01-01T00:00:00Z',
    cvss: { score: 7.5, vector: 'CVSS:3.1/AV:N' },
  },
};
export const report: JsonValue = {
  form: 1,
  target: { name: 'app:1', kind: 'image', digest },
  scannedAt: '2024-01-01T00:00:00Z',
  inventory: {
    distribution: { id: 'debian', versionId: '13', name: 'Debian' },
    components: [{ ...component, places: [place] }],
    layers: [{ diffId: digest, createdBy: 'RUN x' }],
    gaps: [{ path: 'x', reason: 'y' }],
  },
  findings: [
    vulnerability,
    { class: 'secret', id: 's', title: 't', severity: 'high', places: [place], redacted: 'ab…', line: 3 },
    { class: 'malware', id: 'm', title: 't', severity: 'critical', places: [place], component },
    { class: 'misconfiguration', id: 'c', title: 't', severity: 'low', places: [place], advice: 'a' },
  ],
  suppressed: [{ finding: vulnerability, reason: 'vex' }],
  advisories: { revision: 'r', count: 1 },
};

const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 10 };
export const manifests: readonly JsonValue[] = [
  {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/x',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2, data: 'e30=' },
    layers: [layer],
    subject: layer,
    annotations: { a: 'b' },
  },
  {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...layer,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        platform: { architecture: 'amd64', os: 'linux' },
      },
    ],
  },
];
export const imageConfig: JsonValue = {
  architecture: 'amd64',
  os: 'linux',
  created: '2024-01-01T00:00:00Z',
  config: {
    ...{
      Env: ['A=b'],
      Entrypoint: ['/run'],
      Cmd: ['x'],
      User: '1000:1000',
      ExposedPorts: { '8080/tcp': {} },
    },
    ...{ Labels: { a: 'b' }, Healthcheck: { Test: ['CMD', 'x'] }, WorkingDir: '/' },
  },
  rootfs: { type: 'layers', diff_ids: [digest] },
  history: [{ created_by: 'RUN x', empty_layer: false }],
};

export const envelope: JsonValue = {
  payloadType: 'application/vnd.in-toto+json',
  payload: Buffer.from(
    '{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x","predicate":{}}',
  ).toString('base64'),
  signatures: [{ keyid: '', sig: 'AAAA' }],
};
const logEntry: JsonValue = {
  ...{ logIndex: '1', logId: { keyId: 'AAAA' }, kindVersion: { kind: 'dsse', version: '0.0.1' } },
  ...{ integratedTime: '1767225600', inclusionPromise: { signedEntryTimestamp: 'AAAA' } },
  inclusionProof: {
    ...{ logIndex: '1', rootHash: 'AAAA', treeSize: '2', hashes: ['AAAA'] },
    checkpoint: { envelope: 'log - 1\n2\nAAAA\n\n\u2014 log AAAAAAAA\n' },
  },
  canonicalizedBody: Buffer.from('{"apiVersion":"0.0.1","kind":"dsse","spec":{}}').toString('base64'),
};
const bundle = {
  mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  dsseEnvelope: envelope,
};
export const bundles: readonly JsonValue[] = [
  { ...bundle, verificationMaterial: { publicKey: { hint: 'AAAA' }, tlogEntries: [logEntry] } },
  {
    ...bundle,
    verificationMaterial: {
      certificate: { rawBytes: 'MIIBAAAA' },
      tlogEntries: [logEntry],
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'MAAA' }] },
    },
  },
];
export const checkpoint: JsonValue = {
  seq: 1,
  hash: 'a'.repeat(64),
  time: '2024-01-01T00:00:00Z',
  keyId: 'a'.repeat(64),
  signature: 'AAAA',
};
export const simpleSigning: JsonValue = {
  critical: {
    identity: { 'docker-reference': 'ward/app' },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  },
  optional: { by: 'me' },
};

/** One record in each form of advisories. */
export const advisories: Readonly<Record<Form, JsonValue>> = {
  osv: {
    schema_version: '1.6.0',
    ...{ id: 'GHSA-1234-1234-1234', modified: '2024-01-01T00:00:00Z', published: '2024-01-01T00:00:00Z' },
    ...{ aliases: ['CVE-2024-1'], related: ['CVE-2024-2'], summary: 's', details: 'd' },
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    affected: [
      {
        package: { ecosystem: 'npm', name: 'left-pad', purl },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.3.1' }] }],
        versions: ['1.3.0'],
        database_specific: { source: 'x' },
        ecosystem_specific: { urgency: 'low' },
      },
    ],
    references: [{ type: 'WEB', url: 'https://example.com' }],
    database_specific: { severity: 'HIGH' },
  },
  'debian-tracker': {
    'CVE-2024-1': {
      description: 'd',
      releases: { trixie: { status: 'resolved', fixed_version: '1-1', urgency: 'high', nodsa: 'x' } },
    },
  },
  'alpine-secdb': {
    distroversion: 'v3.20',
    reponame: 'main',
    packages: [
      {
        pkg: {
          name: 'openssl',
          secfixes: { '3.0-r1': ['CVE-2024-1', 'CVE-2024-2 CVE-2024-3'], '0': ['CVE-2024-9'] },
        },
      },
    ],
  },
  kev: { cveID: 'CVE-2024-1', dateAdded: '2024-01-01', vulnerabilityName: 'x' },
  epss: 'CVE-2024-1,0.5,0.9',
  'cve-ratings': {
    cve: {
      id: 'CVE-2024-1',
      published: '2024-01-01T00:00:00.000',
      metrics: {
        cvssMetricV31: [
          {
            type: 'Primary',
            source: 'nvd',
            cvssData: { vectorString: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', baseScore: 9.8 },
          },
        ],
      },
    },
  },
  lifecycle: { cycle: '13', releaseCycle: '13', eol: '2028-01-01', releaseDate: '2025-08-09' },
  'node-core': {
    cve: ['CVE-2024-1'],
    vulnerable: '20.x',
    patched: '^20.1.0',
    ref: 'https://nodejs.org',
    overview: 'o',
    severity: 'high',
  },
  'ruby-advisories': {
    gem: 'rails',
    cve: '2024-1',
    url: 'https://example.com',
    title: 't',
    patched_versions: ['>= 7.0'],
    unaffected_versions: ['< 5'],
  },
};

/** Files that list packages, by their path. */
export const packageFiles: Readonly<Record<string, string>> = {
  'etc/os-release': 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
  'var/lib/dpkg/status':
    'Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0-1)\nVersion: 3.0-1+b1\nDescription: x\n y\n\n',
  'var/lib/dpkg/info/openssl.list': '/.\n/usr/bin/openssl\n',
  'lib/apk/db/installed':
    'C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\n\n',
  'app/node_modules/left-pad/package.json': '{"name":"left-pad","version":"1.3.0","license":"MIT"}',
  'app/package-lock.json':
    '{"name":"a","lockfileVersion":3,"packages":{"":{"name":"a"},"node_modules/left-pad":{"version":"1.3.0","resolved":"https://x/left-pad-1.3.0.tgz","license":"MIT","dev":true}},"dependencies":{"b":{"version":"1.0.0","requires":{},"dependencies":{}}}}',
  'app/yarn.lock':
    '# yarn lockfile v1\n\n"left-pad@^1.0.0", left-pad@1:\n  version "1.3.0"\n  resolved "https://x"\n  dependencies:\n    b "1"\n',
  'app/pnpm-lock.yaml':
    "lockfileVersion: '9.0'\npackages:\n  left-pad@1.3.0:\n    resolution: {integrity: sha512-x}\n  '@a/b@1.0.0(c@2)':\n    resolution: {}\n",
  'app/bun.lock': '{"lockfileVersion":1,"packages":{"left-pad":["left-pad@1.3.0","",{},"sha512-x"],},}',
  'usr/lib/python3/dist-packages/a-1.0.dist-info/METADATA':
    'Metadata-Version: 2.1\nName: a\nVersion: 1.0\nLicense: MIT\n\nbody\n',
  'app/requirements.txt':
    'requests==2.31.0 ; python_version > "3" \\\n  --hash=sha256:x\n-r other.txt\nflask>=2\n',
  'usr/share/gems/specifications/rack-2.0.gemspec':
    'Gem::Specification.new do |s|\n  s.name = "rack".freeze\n  s.version = "2.0"\n  s.licenses = ["MIT".freeze]\nend\n',
  'app/Gemfile.lock':
    'GEM\n  remote: https://x/\n  specs:\n    rack (2.0.1)\n      a (>= 1)\n\nPLATFORMS\n  ruby\n',
  'app/composer.lock': '{"packages":[{"name":"a/b","version":"v1.0","license":["MIT"]}],"packages-dev":[]}',
  'vendor/composer/installed.json': '{"packages":[{"name":"a/b","version":"1.0.0"}],"dev":true}',
};
