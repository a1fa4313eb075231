/**
 * Writes a report as an SPDX 2.3 document.
 * Source: spdx.github.io, SPDX specification 2.3.
 */
import type { JsonObject } from '../../lib/index.ts';
import { isOfSystem } from '../inventory/purl.ts';
import type { Component, Distribution, Report } from '../types.ts';
import { cpeOf, systemCpe } from './cpe.ts';
import { knowledgeOf, topLevelOf } from './dependencies.ts';
import { hashesOf, imagePurl, placesOf, sha256Of, shortIdOf, toolName, uuidOf } from './identity.ts';
import { declaredLicence, supplierOf } from './statements.ts';

const documentId = 'SPDXRef-DOCUMENT';
const rootId = 'SPDXRef-Scanned';
const unknown = 'NOASSERTION';
const unread = { downloadLocation: unknown, filesAnalyzed: false, licenseConcluded: unknown } as const;

/** The same report gives the same document. */
export function spdxOf(report: Report): JsonObject {
  const { target, inventory } = report;
  const hash = sha256Of(report);
  const purl = imagePurl(report);
  const extracted = new Map(
    inventory.components
      .flatMap(({ licences }) => declaredLicence(licences)?.extracted ?? [])
      .map((each) => [each['licenseId'], each]),
  );
  const contents = [...systemOf(report), ...inventory.components.map(packageOf)];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: documentId,
    name: target.name,
    documentNamespace: `urn:uuid:${uuidOf(report)}`,
    creationInfo: {
      // The specification forbids fractions of a second.
      created: report.scannedAt.replace(/\.\d+Z$/, 'Z'),
      creators: [`Tool: ${toolName}`],
    },
    packages: [
      {
        SPDXID: rootId,
        name: target.name,
        ...(target.digest !== undefined && { versionInfo: target.digest }),
        primaryPackagePurpose: target.kind === 'image' ? 'CONTAINER' : 'APPLICATION',
        ...(hash !== undefined && { checksums: [{ algorithm: 'SHA256', checksumValue: hash }] }),
        ...(purl !== undefined && { externalRefs: [purlReference(purl)] }),
        ...(inventory.gaps.length > 0 && {
          comment: `What could not be read: ${inventory.gaps.map(({ path, reason }) => `${path}: ${reason}`).join('; ')}`,
        }),
        ...unread,
      },
      ...contents,
    ],
    ...(extracted.size > 0 && { hasExtractedLicensingInfos: [...extracted.values()] }),
    relationships: [
      relationship(documentId, 'DESCRIBES', rootId),
      ...contents.map(({ SPDXID }) => relationship(rootId, 'CONTAINS', SPDXID)),
      ...dependenciesOf(report),
    ],
  };
}

function relationship(from: string, relationshipType: string, to: string): JsonObject {
  return { spdxElementId: from, relationshipType, relatedSpdxElement: to };
}

/**
 * The scanned target depends on the distribution, and that on its packages. NONE means no dependencies, NOASSERTION perhaps
 * more.
 */
function dependenciesOf({ inventory: { distribution, components } }: Report): JsonObject[] {
  const { ofSystem, others } = topLevelOf(components);
  const top = distribution === undefined ? rootId : systemId(distribution);
  const needs = (from: string, to: string) => relationship(from, 'DEPENDS_ON', to);
  const ids = new Map(components.map(({ purl }) => [purl, packageId(purl)]));
  const idOf = (purl: string) => ids.get(purl) ?? [];
  return [
    ...(distribution === undefined ? [] : [needs(rootId, top)]),
    ...ofSystem.flatMap(idOf).map((id) => needs(top, id)),
    ...others.flatMap(idOf).map((id) => needs(rootId, id)),
    ...components.flatMap((component) => {
      const { purl, dependsOn = [] } = component;
      const isWhole = knowledgeOf(component) === 'complete';
      const ends = dependsOn.flatMap(idOf);
      if (!isWhole) ends.push(unknown);
      else if (ends.length === 0) ends.push('NONE');
      return [purl].flatMap(idOf).flatMap((id) => ends.map((to) => needs(id, to)));
    }),
  ];
}

function packageId(purl: string): string {
  return `SPDXRef-Package-${shortIdOf(purl)}`;
}

function systemId({ id, versionId }: Distribution): string {
  return `SPDXRef-OperatingSystem-${shortIdOf(`${id} ${versionId}`)}`;
}

function systemOf({ inventory: { distribution } }: Report): (JsonObject & { readonly SPDXID: string })[] {
  if (distribution === undefined) return [];
  const { id, versionId, name } = distribution;
  const cpe = systemCpe(distribution);
  return [
    {
      SPDXID: systemId(distribution),
      name: id,
      versionInfo: versionId,
      description: name,
      ...(cpe !== undefined && { externalRefs: [cpeReference(cpe)] }),
      primaryPackagePurpose: 'OPERATING_SYSTEM',
      ...unread,
    },
  ];
}

function packageOf(component: Component): JsonObject & { readonly SPDXID: string } {
  const { name, version, purl, licences, supplier, kept } = component;
  const cpe = cpeOf(component);
  const checksums = hashesOf(component, (algorithm) => algorithm.toUpperCase()).map(({ name, hex }) => ({
    algorithm: name,
    checksumValue: hex,
  }));
  return {
    SPDXID: packageId(purl),
    name,
    versionInfo: version,
    primaryPackagePurpose: component.ecosystem === 'binary' ? 'APPLICATION' : 'LIBRARY',
    sourceInfo: `${kept === true ? 'not installed, ' : ''}found at: ${placesOf(component).join(', ')}`,
    supplier: supplier === undefined ? unknown : `${supplierKind(component)}: ${nameWithAddress(supplier)}`,
    ...(checksums.length > 0 && { checksums }),
    licenseDeclared: declaredLicence(licences)?.expression ?? unknown,
    externalRefs: [purlReference(purl), ...(cpe === undefined ? [] : [cpeReference(cpe)])],
    ...unread,
  };
}

function purlReference(purl: string): JsonObject {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl };
}

function cpeReference(cpe: string): JsonObject {
  const referenceType = cpe.startsWith('cpe:/') ? 'cpe22Type' : 'cpe23Type';
  return { referenceCategory: 'SECURITY', referenceType, referenceLocator: cpe };
}

/** Suppliers of distributions and jars are organizations; those of other packages are authors. */
function supplierKind({ ecosystem }: Component): 'Organization' | 'Person' {
  return isOfSystem(ecosystem) || ecosystem === 'maven' ? 'Organization' : 'Person';
}

/** Returns `Name (address)`. */
function nameWithAddress(supplier: string): string {
  const { name, email } = supplierOf(supplier);
  return email === undefined ? name : `${name} (${email})`;
}
