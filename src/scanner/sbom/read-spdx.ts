/** Reads an inventory from SPDX 2.3 JSON. Source: spdx.github.io, SPDX specification 2.3. */
import { z } from 'zod';
import { scannerFault } from '../faults.ts';
import type { Distribution, Inventory, Location } from '../types.ts';
import { inventoryOf, type Listed } from './listed.ts';

const packageSchema = z.object({
  SPDXID: z.string(),
  name: z.string(),
  versionInfo: z.string().nullish(),
  description: z.string().nullish(),
  primaryPackagePurpose: z.string().nullish(),
  sourceInfo: z.string().nullish(),
  licenseDeclared: z.string().nullish(),
  externalRefs: z
    .array(z.object({ referenceType: z.string().nullish(), referenceLocator: z.string().nullish() }))
    .nullish(),
});
type Package = z.infer<typeof packageSchema>;

const documentSchema = z.object({
  spdxVersion: z.string(),
  packages: z.array(packageSchema).nullish(),
  documentDescribes: z.array(z.string()).nullish(),
  relationships: z
    .array(
      z.object({
        spdxElementId: z.string(),
        relationshipType: z.string(),
        relatedSpdxElement: z.string(),
      }),
    )
    .nullish(),
});
type Document = z.infer<typeof documentSchema>;

const versions = new Set(['SPDX-2.2', 'SPDX-2.3']);
/** The prose of the specification has the second spelling. */
const systemPurposes = new Set(['OPERATING_SYSTEM', 'OPERATING-SYSTEM']);
/** Purposes of an element for the whole image or for a lock file. Without a package URL it is not a package. */
const wholes = new Set([...systemPurposes, 'CONTAINER', 'APPLICATION', 'FILE', 'SOURCE', 'ARCHIVE', 'OTHER']);

/** @throws Fault SBOM_INVALID */
export function readSpdx(document: unknown): Inventory {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) {
    throw scannerFault(
      'SBOM_INVALID',
      `not an SPDX document: ${z.prettifyError(parsed.error).slice(0, 500)}`,
    );
  }
  const { spdxVersion, packages } = parsed.data;
  if (!versions.has(spdxVersion)) {
    throw scannerFault('SBOM_INVALID', `${JSON.stringify(spdxVersion.slice(0, 20))} is not supported`, {
      hint: `Write it as one of ${[...versions].join(', ')}.`,
    });
  }
  const described = describedBy(parsed.data);
  const all = packages ?? [];
  return inventoryOf(
    all.flatMap((each) => listed(each, described) ?? []),
    all.map(distribution).find((found) => found !== undefined),
    [],
  );
}

function describedBy({ documentDescribes, relationships }: Document): ReadonlySet<string> {
  const related = (relationships ?? []).filter(({ relationshipType }) => relationshipType === 'DESCRIBES');
  return new Set([
    ...(documentDescribes ?? []),
    ...related.map(({ relatedSpdxElement }) => relatedSpdxElement),
  ]);
}

function listed(each: Package, described: ReadonlySet<string>): Listed | undefined {
  const purl = each.externalRefs?.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator;
  const isWhole = described.has(each.SPDXID) || wholes.has(each.primaryPackagePurpose ?? '');
  if (!purl && isWhole) return undefined;
  // The image itself has a package URL, too.
  if (purl && described.has(each.SPDXID) && /^pkg:(?:oci|docker|generic)\//.test(purl)) return undefined;
  const licence = each.licenseDeclared;
  return {
    name: each.name,
    purl: purl ?? undefined,
    places: places(each),
    licences: licence && !['NOASSERTION', 'NONE'].includes(licence) ? [licence] : undefined,
  };
}

/** Ward writes `found at: PATH in LAYER, …`. Other writers have no reliable format. */
function places({ name, sourceInfo }: Package): readonly Location[] {
  const [, list] = /^found at: (.+)$/s.exec(sourceInfo ?? '') ?? [];
  if (list === undefined) return [{ path: name }];
  return list.split(', ').map((text) => ({ path: text.replace(/ in sha256:[0-9a-f]{64}$/, '') }));
}

function distribution({
  primaryPackagePurpose,
  name,
  versionInfo,
  description,
}: Package): Distribution | undefined {
  if (!systemPurposes.has(primaryPackagePurpose ?? '')) return undefined;
  const versionId = versionInfo ?? '';
  return { id: name.toLowerCase(), versionId, name: description ?? `${name} ${versionId}`.trim() };
}
