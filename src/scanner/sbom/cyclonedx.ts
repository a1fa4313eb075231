/**
 * Writes a report as a CycloneDX 1.6 document: components and vulnerabilities.
 * Source: cyclonedx.org, JSON reference 1.6.
 */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { Component, Distribution, Report, Vulnerability } from '../types.ts';
import { cpeOf, systemCpe } from './cpe.ts';
import { knowledgeOf, topLevelOf } from './dependencies.ts';
import { hashesOf, imagePurl, sha256Of, toolName, uuidOf } from './identity.ts';
import { licenceChoices, supplierOf } from './statements.ts';

const rootRef = 'scanned';
const kinds = {
  image: 'container',
  artifact: 'file',
  folder: 'application',
  code: 'application',
  sbom: 'application',
} as const;

/** The same report gives the same document. */
export function cycloneDxOf(report: Report): JsonObject {
  const { target, inventory } = report;
  const vulnerabilities = [
    ...report.findings.map((finding) => ({ finding, reason: undefined })),
    ...report.suppressed,
  ].flatMap(({ finding, reason }) =>
    finding.class === 'vulnerability' ? [vulnerabilityOf(finding, reason)] : [],
  );
  const hash = sha256Of(report);
  const purl = imagePurl(report);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(report)}`,
    version: 1,
    metadata: {
      timestamp: report.scannedAt,
      tools: { components: [{ type: 'application', name: toolName }] },
      component: {
        type: kinds[target.kind],
        'bom-ref': rootRef,
        name: target.name,
        ...(target.digest !== undefined && { version: target.digest }),
        ...(hash !== undefined && { hashes: [{ alg: 'SHA-256', content: hash }] }),
        ...(purl !== undefined && { purl }),
      },
    },
    components: [...systemOf(report), ...inventory.components.map(componentOf)],
    dependencies: dependenciesOf(report),
    compositions: compositionsOf(report),
    vulnerabilities,
  };
}

/**
 * The scanned target depends on the distribution, and that on its packages. A component without an entry has unknown
 * dependencies.
 */
function dependenciesOf({ inventory: { distribution, components } }: Report): JsonObject[] {
  const { ofSystem, others } = topLevelOf(components);
  const system = distribution === undefined ? undefined : systemRef(distribution);
  const known = new Set(components.map(({ purl }) => purl));
  return [
    { ref: rootRef, dependsOn: system === undefined ? [...ofSystem, ...others] : [system, ...others] },
    ...(system === undefined ? [] : [{ ref: system, dependsOn: ofSystem }]),
    ...components.flatMap(({ purl, dependsOn }) =>
      dependsOn === undefined
        ? []
        : [{ ref: purl, dependsOn: dependsOn.filter((other) => known.has(other)) }],
    ),
  ];
}

/** Unreadable parts may hide components. Packages may need others that are absent, or may not state their needs. */
function compositionsOf({ inventory: { components, gaps } }: Report): JsonObject[] {
  const byKnowledge = Map.groupBy(components, knowledgeOf);
  return [
    { aggregate: gaps.length > 0 ? 'incomplete' : 'unknown', assemblies: [rootRef] },
    ...[...byKnowledge].map(([aggregate, known]) => ({
      aggregate,
      dependencies: known.map(({ purl }) => purl),
    })),
  ];
}

function systemRef({ id, versionId }: Distribution): string {
  return `os:${id}-${versionId}`;
}

function systemOf({ inventory: { distribution } }: Report): JsonObject[] {
  if (distribution === undefined) return [];
  const { id, versionId, name } = distribution;
  const cpe = systemCpe(distribution);
  return [
    {
      type: 'operating-system',
      'bom-ref': systemRef(distribution),
      name: id,
      version: versionId,
      description: name,
      ...(cpe !== undefined && { cpe }),
    },
  ];
}

function componentOf(component: Component): JsonObject {
  const { ecosystem, name, version, purl, licences, supplier, places, source, kept, otherNames } = component;
  const split = ecosystem === 'maven' ? name.indexOf(':') : name.startsWith('@') ? name.indexOf('/') : -1;
  const properties = [
    ...places.flatMap(({ path, layer }) => [
      { name: 'ward:path', value: path },
      ...(layer === undefined ? [] : [{ name: 'ward:layer', value: layer }]),
    ]),
    ...(otherNames ?? []).map((other) => ({ name: 'ward:otherName', value: other })),
    ...(source === undefined ? [] : [{ name: 'ward:source', value: `${source.name}@${source.version}` }]),
  ];
  const cpe = cpeOf(component);
  const hashes = hashesOf(component, algorithmName).map(({ name, hex }) => ({ alg: name, content: hex }));
  return {
    type: ecosystem === 'binary' ? 'application' : 'library',
    'bom-ref': purl,
    ...(supplier !== undefined && { supplier: entityOf(supplier) }),
    ...(split > 0 && { group: name.slice(0, split) }),
    name: name.slice(split + 1),
    version,
    ...(hashes.length > 0 && { hashes }),
    ...(cpe !== undefined && { cpe }),
    purl,
    // CycloneDX on `optional`: "Not capable of being called due to them not being installed."
    ...(kept === true && { scope: 'optional' }),
    ...(licences && { licenses: licenceChoices(licences) }),
    properties,
  };
}

/** Maps `sha256` to `SHA-256`. */
function algorithmName(algorithm: string): string {
  return algorithm.toUpperCase().replace(/^SHA/, 'SHA-');
}

function vulnerabilityOf(finding: Vulnerability, reason: string | undefined): JsonObject {
  const { id, component, aliases, fixedIn, severity, severitySource, cvss, title, url, published } = finding;
  return {
    'bom-ref': `${id}:${component.purl}`,
    id,
    source: { name: severitySource },
    ...(aliases.length > 0 && {
      references: aliases.map((alias) => ({ id: alias, source: { name: toolName } })),
    }),
    ratings: [{ source: { name: severitySource }, severity, ...scoreOf(cvss) }],
    description: title,
    ...(fixedIn.length > 0 && { recommendation: `Upgrade ${component.name} to ${fixedIn.join(' or ')}.` }),
    ...(url !== undefined && { advisories: [{ url }] }),
    ...(published !== undefined && { published }),
    ...(reason !== undefined && { analysis: { state: 'not_affected', detail: reason } }),
    affects: [{ ref: component.purl, versions: [{ version: component.version, status: 'affected' }] }],
    properties: propertiesOf(finding),
  };
}

/** Facts for which CycloneDX has no field. */
function propertiesOf({ knownExploited, epss, status }: Vulnerability): JsonValue {
  return [
    { name: 'ward:knownExploited', value: String(knownExploited) },
    ...(epss === undefined ? [] : [{ name: 'ward:epss', value: String(epss) }]),
    { name: 'ward:status', value: status },
  ];
}

function scoreOf(cvss: Vulnerability['cvss']): JsonObject {
  if (cvss === undefined) return {};
  const version = /^CVSS:(\d\.\d)\//.exec(cvss.vector)?.[1];
  const methods: Readonly<Record<string, string>> = { '4.0': 'CVSSv4', '3.1': 'CVSSv31', '3.0': 'CVSSv3' };
  return { score: cvss.score, method: methods[version ?? ''] ?? 'CVSSv2', vector: cvss.vector };
}

function entityOf(supplier: string): JsonObject {
  const { name, email } = supplierOf(supplier);
  return { name, ...(email !== undefined && { contact: [{ email }] }) };
}
