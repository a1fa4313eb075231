/** Reads OpenVEX documents. Source: openvex/spec, OPENVEX-SPEC.md (v0.2.0, and the simpler v0.0.1). */
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import { parsePackageUrl } from '../package-url.ts';
import { type VexProduct, type VexStatement, vexStatuses } from './statement.ts';

const text = z.string().max(10_000);
const time = z.iso.datetime({ offset: true });
const justifications = [
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
] as const;

const component = z.looseObject({
  '@id': text.optional(),
  identifiers: z.looseObject({ purl: text.optional() }).optional(),
  hashes: z.record(z.string(), text).optional(),
});
const product = z.union([
  text,
  component.extend({
    subcomponents: z
      .array(z.union([text, component]))
      .max(10_000)
      .optional(),
  }),
]);
const statement = z
  .looseObject({
    vulnerability: z.union([
      text,
      z.looseObject({
        '@id': text.optional(),
        name: text.optional(),
        aliases: z.array(text).max(1000).optional(),
      }),
    ]),
    products: z.array(product).max(10_000).optional(),
    status: z.enum(vexStatuses),
    justification: z.enum(justifications).optional(),
    impact_statement: text.optional(),
    timestamp: time.optional(),
    last_updated: time.optional(),
  })
  .refine(
    (each) => each.status !== 'not_affected' || (each.justification ?? each.impact_statement) !== undefined,
    'not_affected needs a justification or an impact_statement',
  );

export const openVexSchema = z.looseObject({
  '@context': z.string().startsWith('https://openvex.dev/ns'),
  author: text,
  timestamp: time,
  statements: z.array(statement).max(100_000),
});

type Component = z.infer<typeof component>;

export function statementsOfOpenVex(document: z.infer<typeof openVexSchema>): readonly VexStatement[] {
  return document.statements.map((each) => ({
    ids: idsOf(each.vulnerability),
    status: each.status,
    justification: [each.justification, each.impact_statement]
      .filter((part) => part !== undefined)
      .join(': '),
    products: (each.products ?? []).map(productOf),
    at: Date.parse(each.last_updated ?? each.timestamp ?? document.timestamp),
    author: document.author,
  }));
}

function idsOf(vulnerability: z.infer<typeof statement>['vulnerability']): readonly string[] {
  if (typeof vulnerability === 'string') return [vulnerability];
  const { '@id': id, name, aliases = [] } = vulnerability;
  return [name, id, ...aliases].filter((each) => each !== undefined);
}

function productOf(each: z.infer<typeof product>): VexProduct {
  if (typeof each === 'string') return { ...identityOf({ '@id': each }), components: [] };
  const components = (each.subcomponents ?? []).map(
    (part) => identityOf(typeof part === 'string' ? { '@id': part } : part).package,
  );
  const known = components.filter((part) => part !== undefined);
  // Unreadable components must not widen the statement to all components.
  if (components.length > 0 && known.length === 0) return { components: [] };
  return { ...identityOf(each), components: known };
}

function identityOf({ '@id': id = '', identifiers, hashes = {} }: Component): Omit<VexProduct, 'components'> {
  const hash = hashes['sha-256'] ?? hashes['sha256'];
  const digest = hash === undefined ? id : `sha256:${hash.toLowerCase()}`;
  return {
    package: parsePackageUrl(identifiers?.purl ?? id),
    ...(isDigest(digest) ? { digest } : {}),
  };
}
