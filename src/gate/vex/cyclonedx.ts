/**
 * Reads CycloneDX documents as VEX: the `analysis` of their vulnerabilities. Ward does not read ranges of versions, so such a
 * statement suppresses nothing. Source: CycloneDX 1.4 to 1.6, `vulnerabilities`.
 */
import { z } from 'zod';
import { type PackageUrl, parsePackageUrl } from '../package-url.ts';
import type { VexProduct, VexStatement, VexStatus } from './statement.ts';

const text = z.string().max(10_000);
const time = z.iso.datetime({ offset: true });

const component = z.looseObject({ 'bom-ref': text.optional(), purl: text.optional() });
const vulnerability = z.looseObject({
  id: text,
  references: z
    .array(z.looseObject({ id: text }))
    .max(1000)
    .optional(),
  analysis: z
    .looseObject({
      state: z.enum([
        'resolved',
        'resolved_with_pedigree',
        'exploitable',
        'in_triage',
        'false_positive',
        'not_affected',
      ]),
      justification: text.optional(),
      detail: text.optional(),
      firstIssued: time.optional(),
      lastUpdated: time.optional(),
    })
    .optional(),
  updated: time.optional(),
  affects: z
    .array(
      z.looseObject({
        ref: text,
        versions: z
          .array(z.looseObject({ version: text.optional(), status: text.optional() }))
          .max(10_000)
          .optional(),
      }),
    )
    .max(10_000)
    .optional(),
});

export const cycloneDxVexSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  metadata: z
    .looseObject({
      timestamp: time.optional(),
      component: component.optional(),
      authors: z.array(z.looseObject({ name: text.optional() })).optional(),
    })
    .optional(),
  components: z.array(component).max(200_000).optional(),
  vulnerabilities: z.array(vulnerability).max(100_000),
});

type Document = z.infer<typeof cycloneDxVexSchema>;
type Affected = NonNullable<z.infer<typeof vulnerability>['affects']>[number];

const statusOf = {
  resolved: 'fixed',
  resolved_with_pedigree: 'fixed',
  exploitable: 'affected',
  in_triage: 'under_investigation',
  false_positive: 'not_affected',
  not_affected: 'not_affected',
} as const satisfies Record<string, VexStatus>;

export function statementsOfCycloneDx(document: Document): readonly VexStatement[] {
  const packages = packagesByRef(document);
  const author = document.metadata?.authors?.[0]?.name ?? 'a CycloneDX document';
  return document.vulnerabilities.flatMap(({ id, references = [], analysis, updated, affects = [] }) => {
    if (analysis === undefined) return [];
    const { state, justification, detail, firstIssued, lastUpdated } = analysis;
    const when = lastUpdated ?? firstIssued ?? updated ?? document.metadata?.timestamp;
    return [
      {
        ids: [id, ...references.map((reference) => reference.id)],
        status: statusOf[state],
        justification: [justification ?? state, detail].filter((part) => part !== undefined).join(': '),
        products: affects.flatMap((each) => productOf(each, packages, statusOf[state])),
        at: when === undefined ? 0 : Date.parse(when),
        author,
      },
    ];
  });
}

function packagesByRef({ metadata, components = [] }: Document): ReadonlyMap<string, PackageUrl> {
  const all = metadata?.component === undefined ? components : [metadata.component, ...components];
  const known = all.flatMap(({ 'bom-ref': ref, purl = ref }) => {
    const parsed = parsePackageUrl(purl ?? '');
    return ref === undefined || parsed === undefined ? [] : [[ref, parsed] as const];
  });
  return new Map(known);
}

/**
 * A reference names a component of this document, or of another (`urn:cdx:…#ref`) by its purl. A dismissal holds only for the
 * listed versions with the status `unaffected`; a confirmation holds for all versions.
 */
function productOf(
  { ref, versions }: Affected,
  packages: ReadonlyMap<string, PackageUrl>,
  status: VexStatus,
): readonly VexProduct[] {
  const local = ref.startsWith('urn:cdx:') ? decoded(ref.slice(ref.indexOf('#') + 1)) : ref;
  const product = packages.get(local) ?? parsePackageUrl(local);
  if (product === undefined) return [];
  const isDismissed = status === 'not_affected' || status === 'fixed';
  const unaffected = versions?.flatMap((each) =>
    each.status === 'unaffected' && each.version !== undefined ? [each.version] : [],
  );
  return [{ package: product, versions: isDismissed ? unaffected : undefined, components: [] }];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
