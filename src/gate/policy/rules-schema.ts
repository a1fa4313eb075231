/** The schema of a policy's rules. docs/gate.md explains each key. */
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import { attestationTypes } from '../trust/attestations.ts';
import { mostLogEntries } from '../trust/bundle.ts';
import { longestTrustedRoot } from '../trust/trusted-root.ts';

export const actions = ['allow', 'warn', 'deny'] as const;
export type Action = (typeof actions)[number];
export const stages = ['push', 'deploy', 'run'] as const;
export type Stage = (typeof stages)[number];

const action = z.enum(actions);
const count = z.int().min(0).max(1_000_000);
/** The largest allowed number of findings. */
const limit = z.union([count, z.literal('any')], { error: 'neither a number of findings nor any' });
const days = z.number().min(0).max(3650);
const name = z.string().min(1).max(100);
const findingId = z.string().min(1).max(200);

const limits = { critical: limit, high: limit, medium: limit, low: limit, none: limit };
const unknown = { action, limit };
const grace = { sincePublished: days, sinceFix: days };
const epss = { action, above: z.number().min(0).max(1) };
const vulnerabilities = { action, ignoreUnfixed: z.boolean(), knownExploited: action };
/** Findings of one scanner rule may have another action than the rest of their class. */
const findings = { action, ids: z.record(findingId, action) };
const distribution = { unknown: action, notJudged: action, endOfLife: action };
const advisories = { missing: action, stale: action, maxAgeDays: days };
/** The names of signers that count, and the number of transparency log entries that they need. */
const signers = {
  keys: z.array(name).max(100),
  identities: z.array(name).max(100),
  logEntries: z.int().min(0).max(mostLogEntries),
};
const bases = {
  action,
  ward: z.boolean(),
  digests: z.array(z.string().refine(isDigest, 'not a sha256 digest')).max(1000),
  ...signers,
};
const signatures = {
  action,
  ...signers,
  atLeast: z.int().min(1).max(100),
  annotations: z.record(z.string().min(1).max(200), z.string().max(1000)),
};
/** A short name of `attestationTypes`, or a URI. */
const attestationType = z
  .string()
  .max(1000)
  .refine((type) => Object.hasOwn(attestationTypes, type) || type.includes(':'), {
    error: `neither a URI nor one of ${Object.keys(attestationTypes).join(', ')}`,
  });
const attestations = { action, ...signers, types: z.array(attestationType).max(100) };
const patterns = z.array(z.string().min(1).max(2048)).max(1000);
const provenance = { action, ...signers, builders: patterns, sources: patterns, refs: patterns };

/** Patterns of types: `application/vnd.example.*`. */
const artifacts = { exempt: z.array(z.string().min(1).max(255)).max(1000) };
/** How long reports are kept. */
const reports = { refusedDays: days };

/** A subject that an authority of a trusted root certifies. */
const identity = z.strictObject({
  root: name,
  issuer: z.string().min(1).max(2048),
  /** A pattern. One that matches everyone is a mistake. */
  subject: z
    .string()
    .min(1)
    .max(2048)
    .refine((pattern) => /[^*]/.test(pattern), 'it matches every subject of the issuer; name who may sign'),
});

export const ignoreEntry = z.strictObject({
  id: findingId,
  purl: z.string().min(1).max(2048).optional(),
  path: z.string().min(1).max(4096).optional(),
  reason: z.string().trim().min(3).max(1000),
  /** The last day on which it holds, in UTC. */
  expires: z.iso.date({ error: 'an entry needs the last day on which it holds, such as 2027-01-31' }),
  by: z.string().trim().min(1).max(200),
});
const ignore = z.array(ignoreEntry).max(10_000);

export const rulesSchema = z.strictObject({
  vulnerabilities: z.strictObject({
    ...vulnerabilities,
    limits: z.strictObject(limits),
    unknown: z.strictObject(unknown),
    graceDays: z.strictObject(grace),
    epss: z.strictObject(epss),
  }),
  malware: z.strictObject(findings),
  secrets: z.strictObject(findings),
  misconfiguration: z.strictObject(findings),
  gaps: action,
  unscanned: action,
  absentImage: action,
  artifacts: z.strictObject(artifacts),
  reports: z.strictObject(reports),
  distribution: z.strictObject(distribution),
  advisories: z.strictObject(advisories),
  bases: z.strictObject(bases),
  signatures: z.strictObject(signatures),
  attestations: z.strictObject(attestations),
  provenance: z.strictObject(provenance),
  ignore,
});

/** Rules with some keys left out; those keep the value of the layer below. */
export const someRulesSchema = z
  .strictObject({
    vulnerabilities: z
      .strictObject({
        ...vulnerabilities,
        limits: z.strictObject(limits).partial(),
        unknown: z.strictObject(unknown).partial(),
        graceDays: z.strictObject(grace).partial(),
        epss: z.strictObject(epss).partial(),
      })
      .partial(),
    malware: z.strictObject(findings).partial(),
    secrets: z.strictObject(findings).partial(),
    misconfiguration: z.strictObject(findings).partial(),
    gaps: action,
    unscanned: action,
    absentImage: action,
    artifacts: z.strictObject(artifacts).partial(),
    reports: z.strictObject(reports).partial(),
    distribution: z.strictObject(distribution).partial(),
    advisories: z.strictObject(advisories).partial(),
    bases: z.strictObject(bases).partial(),
    signatures: z.strictObject(signatures).partial(),
    attestations: z.strictObject(attestations).partial(),
    provenance: z.strictObject(provenance).partial(),
    ignore,
  })
  .partial();

export type Rules = z.infer<typeof rulesSchema>;
export type SomeRules = z.infer<typeof someRulesSchema>;
/** The common part of the rules on bases, signatures, attestations and provenance. */
export type WantedSigners = Pick<Rules['signatures'], keyof typeof signers>;
export type SignerIdentity = z.infer<typeof identity>;
export type IgnoreEntry = z.infer<typeof ignoreEntry>;

export const policySchema = z.strictObject({
  form: z.literal(1),
  /** Name → public key in PEM. */
  keys: z.record(name, z.string().max(16_384)).optional(),
  /** Name → text of a `trusted_root.json`. */
  trustedRoots: z.record(name, z.string().max(longestTrustedRoot)).optional(),
  identities: z.record(name, identity).optional(),
  rules: someRulesSchema.optional(),
  overrides: z
    .array(
      z.strictObject({
        namespaces: z.array(z.string().min(1).max(256)).min(1).max(1000).optional(),
        stages: z.array(z.enum(stages)).min(1).optional(),
        rules: someRulesSchema,
      }),
    )
    .max(1000)
    .optional(),
});

export type PolicyFile = z.infer<typeof policySchema>;

/** Returns the rules for all and those of each override, with their paths. */
export function rulesIn({
  rules = {},
  overrides = [],
}: PolicyFile): readonly (readonly [path: readonly PropertyKey[], rules: SomeRules])[] {
  return [
    [['rules'], rules],
    ...overrides.map((each, index) => [['overrides', index, 'rules'], each.rules] as const),
  ];
}
