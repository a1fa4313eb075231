/** Reads a report from outside, such as the output of `ward image scan -o json`. */
import { z } from 'zod';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { isFault, messageOf, nestsDeeperThan } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import { cpeName } from '../inventory/os-release.ts';
import { type Report, severities } from '../types.ts';

const maxBytes = 256 * 1024 * 1024;
const maxDepth = 32;
/** The most entries of a list. */
const most = 1_000_000;

const text = z.string().max(1_000_000);
const time = z.iso.datetime({ offset: true });
const digest = z.custom<Digest>(
  (value) => typeof value === 'string' && isDigest(value),
  'not a sha256 digest',
);
const packageDigest = /^(?:md5|sha1|sha256|sha384|sha512):[0-9a-f]{32,128}$/;
const place = z.object({ path: text, layer: digest.optional() });
const ecosystem = z.enum([
  'deb',
  'apk',
  'rpm',
  'npm',
  'pypi',
  'golang',
  'maven',
  'cargo',
  'gem',
  'composer',
  'conda',
  'binary',
]);
const component = z.object({ ecosystem, name: text, version: text, purl: text });
const finding = {
  id: text,
  title: text,
  severity: z.enum(severities),
  places: z.array(place).max(most),
};

const findingSchema = z.discriminatedUnion('class', [
  z.object({
    class: z.literal('vulnerability'),
    ...finding,
    aliases: z.array(text).max(10_000),
    component,
    severitySource: text,
    cvss: z.object({ score: z.number().min(0).max(10), vector: text }).optional(),
    fixedIn: z.array(text).max(10_000),
    status: text,
    epss: z.number().min(0).max(1).optional(),
    knownExploited: z.boolean(),
    published: text.optional(),
    fixKnownSince: text.optional(),
    uncertain: z.literal(true).optional(),
    url: text.optional(),
  }),
  z.object({
    class: z.literal('malware'),
    ...finding,
    aliases: z.array(text).max(10_000).optional(),
    component: component.optional(),
    contentDigest: digest.optional(),
  }),
  z.object({ class: z.literal('secret'), ...finding, redacted: text, line: z.int().min(0).optional() }),
  z.object({ class: z.literal('misconfiguration'), ...finding, advice: text }),
]);

const reportSchema = z.object({
  form: z.literal(1),
  target: z.object({
    name: text,
    kind: z.enum(['image', 'artifact', 'folder', 'sbom', 'code']),
    digest: digest.optional(),
  }),
  scannedAt: time,
  inventory: z.object({
    distribution: z
      .object({
        id: text,
        versionId: text,
        name: text,
        cpe: z.string().regex(cpeName).optional(),
        endOfLife: text.optional(),
        withoutAdvisories: z.literal(true).optional(),
        notJudged: z.literal(true).optional(),
      })
      .optional(),
    components: z
      .array(
        component.extend({
          source: z.object({ name: text, version: text }).optional(),
          architecture: text.optional(),
          kept: z.literal(true).optional(),
          otherNames: z.array(text).max(100).optional(),
          licences: z.array(text).max(10_000).optional(),
          supplier: text.optional(),
          hashes: z.array(z.string().regex(packageDigest)).max(10).optional(),
          dependsOn: z.array(text).max(most).optional(),
          needsMore: z.literal(true).optional(),
          places: z.array(place).min(1).max(most),
        }),
      )
      .max(most),
    layers: z.array(z.object({ diffId: digest, createdBy: text.optional() })).max(10_000),
    gaps: z.array(z.object({ path: text, reason: text })).max(most),
  }),
  findings: z.array(findingSchema).max(most),
  suppressed: z.array(z.object({ finding: findingSchema, reason: text })).max(most),
  advisories: z
    .object({
      revision: text,
      updatedAt: text.optional(),
      checkedAt: text.optional(),
      count: z.int().min(0),
    })
    .optional(),
  rules: z.object({ revision: text, read: text, ward: text }).optional(),
});

/** Drops fields that are not part of a report, such as its verdict. @throws Fault REPORT_INVALID */
export function parseReport(bytes: Uint8Array, name: string): Report {
  if (bytes.byteLength > maxBytes) throw refuse(name, `it has more than ${maxBytes} bytes`);
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (nestsDeeperThan(json, maxDepth)) throw refuse(name, `it nests deeper than ${maxDepth}`);
    const parsed = reportSchema.safeParse(JSON.parse(json));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw refuse(name, `${issue?.path.join('.') || 'report'}: ${issue?.message ?? 'not a report'}`);
  } catch (cause) {
    throw isFault(cause) ? cause : refuse(name, messageOf(cause));
  }
}

function refuse(name: string, what: string) {
  return scannerFault('REPORT_INVALID', `${name} is not a report of a scan: ${what}`, {
    hint: 'write one with ward image scan IMAGE -o json',
  });
}
