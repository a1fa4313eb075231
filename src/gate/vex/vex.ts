/**
 * VEX: statements that a vulnerability does or does not matter here. A document counts only if the operator gave it,
 * or a signer from the policy signed it.
 */
import { z } from 'zod';
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import type { Report, Suppressed, Vulnerability } from '../../scanner/index.ts';
import { gateFault } from '../faults.ts';
import { parseJsonDocument } from '../json-document.ts';
import { coversPackage, parsePackageUrl } from '../package-url.ts';
import { plainText } from '../plain-text.ts';
import { predicateTypes, type Statement } from '../trust/attestations.ts';
import { cycloneDxVexSchema, statementsOfCycloneDx } from './cyclonedx.ts';
import { openVexSchema, statementsOfOpenVex } from './openvex.ts';
import type { VexProduct, VexStatement } from './statement.ts';

export const vexLimits = { maxBytes: 16 * 1024 * 1024, maxDepth: 64 } as const;

/**
 * Reads the statements of an OpenVEX or CycloneDX document in JSON.
 * @throws Fault VEX_INVALID
 */
export function parseVex(bytes: Uint8Array): readonly VexStatement[] {
  return statementsOf(parseJsonDocument(z.json(), bytes, vexLimits, refuseVex));
}

/**
 * Reads the statements of an attested VEX document (`cosign attest --type openvex`); returns none for other attestations.
 * @throws Fault VEX_INVALID
 */
export function attestedStatements({
  predicateType,
  predicate,
}: Pick<Statement, 'predicateType' | 'predicate'>): readonly VexStatement[] {
  return predicateType.startsWith(predicateTypes.openVex) ? statementsOf(predicate) : [];
}

/** Suppresses vulnerabilities whose latest statement says "not affected" or "fixed". Malware stays. */
export function applyVex(report: Report, statements: readonly VexStatement[]): Report {
  if (statements.length === 0) return report;
  const byId = indexOf(statements);
  const suppressed: Suppressed[] = [];
  const findings = report.findings.filter((finding) => {
    if (finding.class !== 'vulnerability') return true;
    const statement = latestAbout(finding, report, byId);
    if (statement?.status !== 'not_affected' && statement?.status !== 'fixed') return true;
    suppressed.push({ finding, reason: reasonOf(statement) });
    return false;
  });
  return { ...report, findings, suppressed: [...report.suppressed, ...suppressed] };
}

function statementsOf(document: JsonValue): readonly VexStatement[] {
  if (isJsonObject(document) && Object.hasOwn(document, 'bomFormat')) {
    const parsed = cycloneDxVexSchema.safeParse(document);
    if (parsed.success) return statementsOfCycloneDx(parsed.data);
    throw refuseVex(z.prettifyError(parsed.error).slice(0, 500));
  }
  const parsed = openVexSchema.safeParse(document);
  if (parsed.success) return statementsOfOpenVex(parsed.data);
  throw refuseVex(z.prettifyError(parsed.error).slice(0, 500));
}

/** Indexes a list of statements once: a round over all reports uses the same list for each. */
function indexOf(statements: readonly VexStatement[]): Index {
  const known = indexes.get(statements);
  if (known !== undefined) return known;
  const index = new Map<string, VexStatement[]>();
  for (const statement of statements) {
    for (const id of new Set(statement.ids.map((each) => each.toUpperCase()))) {
      const before = index.get(id);
      if (before === undefined) index.set(id, [statement]);
      else before.push(statement);
    }
  }
  indexes.set(statements, index);
  return index;
}

type Index = ReadonlyMap<string, readonly VexStatement[]>;
const indexes = new WeakMap<readonly VexStatement[], Index>();

/** Returns the latest statement; among equal times, the one that comes last. */
function latestAbout(finding: Vulnerability, report: Report, byId: Index): VexStatement | undefined {
  let latest: VexStatement | undefined;
  for (const id of [finding.id, ...finding.aliases]) {
    for (const statement of byId.get(id.toUpperCase()) ?? []) {
      if (latest !== undefined && statement.at < latest.at) continue;
      if (statement.products.some((product) => isOf(product, finding, report))) latest = statement;
    }
  }
  return latest;
}

function isOf(product: VexProduct, { component }: Vulnerability, report: Report): boolean {
  const subject = parsePackageUrl(component.purl);
  if (subject === undefined) return false;
  const { components, versions } = product;
  const isMeant = components.length === 0 || components.some((each) => coversPackage(each, subject));
  if (!isMeant) return false;
  if (isImage(product, report)) return true;
  if (product.package === undefined || !coversPackage(product.package, subject)) return false;
  return versions === undefined || versions.includes(subject.version ?? '');
}

/** Compares digests, or a package URL of type `oci`: by digest if it has one, otherwise by name and repository. */
function isImage({ digest, package: image }: VexProduct, { target }: Report): boolean {
  if (target.digest !== undefined && digest === target.digest) return true;
  if (image?.type !== 'oci') return false;
  if (image.version !== undefined) return image.version === target.digest;
  const repository = repositoryOf(target.name);
  const wanted = image.qualifiers.get('repository_url');
  return wanted === undefined
    ? repository.split('/').at(-1) === image.name
    : repository === wanted.toLowerCase();
}

/** Returns the reference without tag and digest. */
function repositoryOf(reference: string): string {
  const [name = ''] = reference.split('@', 1);
  return name.replace(/:[^/:]*$/, '').toLowerCase();
}

function reasonOf({ status, justification, author }: VexStatement): string {
  return plainText(`vex: ${status} (${justification || 'no justification'}), says ${author}`, 500);
}

export function refuseVex(what: string) {
  return gateFault('VEX_INVALID', `a VEX document: ${what}`, {
    hint: 'give OpenVEX 0.2 or CycloneDX with vulnerabilities, in JSON',
  });
}
