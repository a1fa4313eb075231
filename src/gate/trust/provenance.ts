/**
 * Reads what a policy asks of SLSA provenance: the builder and the sources. Only fields that the builder fills in by itself
 * count; dependencies do not, since any build may name any.
 * Source: slsa.dev/provenance/v0.2 and v1; github.com/slsa-framework/github-actions-buildtypes.
 */
import { z } from 'zod';
import type { JsonValue } from '../../lib/index.ts';

export interface SourceRepository {
  /** URL without `git+` and `.git`. */
  readonly repository: string;
  /** `refs/heads/main` */
  readonly ref?: string | undefined;
}

export interface Provenance {
  readonly builder: string;
  readonly sources: readonly SourceRepository[];
}

const text = z.string().max(2048);
const named = z.object({ repository: text, ref: text.optional() });
const located = z.union([text, z.object({ uri: text }).transform(({ uri }) => uri), named]);

const schemas = {
  'https://slsa.dev/provenance/v0.2': z
    .object({
      builder: z.object({ id: text }),
      invocation: z.object({ configSource: z.object({ uri: text.optional() }).nullish() }).nullish(),
    })
    .transform(({ builder, invocation }) => ({
      builder: builder.id,
      sources: [invocation?.configSource?.uri],
    })),
  'https://slsa.dev/provenance/v1': z
    .object({
      buildDefinition: z.object({
        externalParameters: z
          .object({
            workflow: named.optional(),
            source: located.optional(),
            buildConfigSource: located.optional(),
            sourceToBuild: located.optional(),
          })
          .nullish(),
      }),
      runDetails: z.object({ builder: z.object({ id: text }) }),
    })
    .transform(({ buildDefinition: { externalParameters: given }, runDetails }) => ({
      builder: runDetails.builder.id,
      sources: [given?.workflow, given?.source, given?.buildConfigSource, given?.sourceToBuild],
    })),
} as const;

/** Returns undefined for other predicates and for unreadable provenance. */
export function provenanceOf(predicateType: string, predicate: JsonValue): Provenance | undefined {
  const schema = isKnown(predicateType) ? schemas[predicateType] : undefined;
  const parsed = schema?.safeParse(predicate);
  if (parsed?.success !== true) return undefined;
  const { builder, sources } = parsed.data;
  return { builder, sources: sources.flatMap((each) => (each === undefined ? [] : [sourceOf(each)])) };
}

function isKnown(type: string): type is keyof typeof schemas {
  return Object.hasOwn(schemas, type);
}

/** `git+https://github.com/acme/app@refs/heads/main` → the repository and the ref. */
function sourceOf(said: string | SourceRepository): SourceRepository {
  if (typeof said !== 'string') return { repository: plainUrl(said.repository), ref: said.ref };
  const [, place = said, ref] = /^([a-z+]+:\/\/(?:[^/@]*@)?[^@#]*)(?:@([^#]*))?(?:#.*)?$/i.exec(said) ?? [];
  return { repository: plainUrl(place), ref };
}

/** Normalises the URL as a client requests it: without `..` and hidden characters. */
function plainUrl(place: string): string {
  const url = URL.parse(place.replace(/^git\+/, ''));
  return (url?.href ?? place).replace(/\/$/, '').replace(/\.git$/, '');
}
