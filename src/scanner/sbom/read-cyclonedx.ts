/** Reads an inventory from CycloneDX JSON. Source: cyclonedx.org, JSON reference 1.4 to 1.6. */
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import { scannerFault } from '../faults.ts';
import type { Distribution, Gap, Inventory, Location } from '../types.ts';
import { inventoryOf, type Listed } from './listed.ts';

const property = z.object({ name: z.string().nullish(), value: z.string().nullish() });
const licence = z.object({
  expression: z.string().nullish(),
  license: z.object({ id: z.string().nullish(), name: z.string().nullish() }).nullish(),
});
const component = z.object({
  type: z.string(),
  name: z.string(),
  version: z.string().nullish(),
  description: z.string().nullish(),
  purl: z.string().nullish(),
  licenses: z.array(licence).nullish().catch(undefined),
  properties: z.array(property).nullish().catch(undefined),
  get components() {
    return z.array(component).nullish();
  },
});
type Component = z.infer<typeof component>;

const composition = z.object({
  aggregate: z.string(),
  assemblies: z.array(z.unknown()).nullish(),
  dependencies: z.array(z.unknown()).nullish(),
});

const documentSchema = z.object({
  specVersion: z.string(),
  components: z.array(component).nullish(),
  compositions: z.array(composition).nullish(),
});

const versions = new Set(['1.4', '1.5', '1.6']);
/** The types of components that are packages even without a package URL. */
const packageTypes = new Set(['library', 'framework', 'application', 'platform']);
/** Properties in which the writers of CycloneDX state paths. */
const pathProperty = /^(?:ward:path|syft:location:\d+:path|aquasecurity:trivy:FilePath)$/;
const layerProperty = /^(?:ward:layer|syft:location:\d+:layerID|aquasecurity:trivy:LayerDiffID)$/;

/** @throws Fault SBOM_INVALID */
export function readCycloneDx(document: unknown): Inventory {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) {
    throw scannerFault(
      'SBOM_INVALID',
      `not a CycloneDX document: ${z.prettifyError(parsed.error).slice(0, 500)}`,
    );
  }
  const { specVersion, components, compositions } = parsed.data;
  if (!versions.has(specVersion)) {
    throw scannerFault(
      'SBOM_INVALID',
      `CycloneDX ${JSON.stringify(specVersion.slice(0, 20))} is not supported`,
      {
        hint: `Write it as one of ${[...versions].join(', ')}.`,
      },
    );
  }
  const all = [...flat(components ?? [])];
  const gaps: Gap[] = (compositions ?? []).some(isMissingParts)
    ? [{ path: '', reason: 'the document states that it is incomplete' }]
    : [];
  return inventoryOf(
    all.flatMap((each) => listed(each) ?? []),
    all.map(distribution).find((found) => found !== undefined),
    gaps,
  );
}

/** An absent dependency does not make the list of components incomplete. */
function isMissingParts({ aggregate, assemblies, dependencies }: z.infer<typeof composition>): boolean {
  return aggregate.startsWith('incomplete') && !(dependencies && !assemblies);
}

function* flat(components: readonly Component[]): Generator<Component> {
  for (const each of components) {
    yield each;
    yield* flat(each.components ?? []);
  }
}

/** Undefined for other components than packages: a file, a lock file, the image itself. */
function listed(each: Component): Listed | undefined {
  const isPackage = packageTypes.has(each.type) && Boolean(each.version);
  if (!each.purl && !isPackage) return undefined;
  const licences = (each.licenses ?? []).flatMap(
    ({ expression, license }) => expression ?? license?.id ?? license?.name ?? [],
  );
  return {
    name: each.name,
    purl: each.purl ?? undefined,
    places: places(each),
    licences: licences.length === 0 ? undefined : licences,
  };
}

/** Pairs each path with the layer in the next property, if there is one. */
function places({ name, properties }: Component): readonly Location[] {
  const found: { path: string; layer?: Location['layer'] }[] = [];
  for (const { name: key, value } of properties ?? []) {
    if (!key || !value) continue;
    if (pathProperty.test(key)) found.push({ path: value.replace(/^\/+/, '') });
    const last = found.at(-1);
    if (layerProperty.test(key) && last !== undefined && isDigest(value)) last.layer = value;
  }
  return found.length === 0 ? [{ path: name }] : found;
}

function distribution({ type, name, version, description }: Component): Distribution | undefined {
  if (type !== 'operating-system') return undefined;
  return {
    id: name.toLowerCase(),
    versionId: version ?? '',
    name: description ?? `${name} ${version ?? ''}`.trim(),
  };
}
