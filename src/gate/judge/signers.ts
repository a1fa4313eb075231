/** The rules about who vouches for an image: signatures, attestations and provenance. */
import { matchesPattern } from '../../lib/index.ts';
import { plainText } from '../plain-text.ts';
import type { Policy } from '../policy/policy.ts';
import type { Rules, WantedSigners } from '../policy/rules-schema.ts';
import { signerName } from '../policy/signer-names.ts';
import { attestationTypes } from '../trust/attestations.ts';
import type { Provenance } from '../trust/provenance.ts';
import type { VerifiedSignature } from '../trust/signatures.ts';
import type { Signer } from '../trust/signer.ts';
import { plainReason } from './reasons.ts';
import type { Reason, Vouchers } from './verdict.ts';

/** A valid attestation, reduced to what the rules ask about. */
export interface KnownAttestation extends Signer {
  readonly predicateType: string;
  readonly provenance?: Provenance | undefined;
}

const mostNamed = 3;
const mostVouchers = 50;

export function signatureReasons(
  signatures: readonly VerifiedSignature[] | undefined,
  { signatures: wanted }: Rules,
  policy: Policy,
): readonly Reason[] {
  const { action, atLeast, annotations } = wanted;
  if (signatures === undefined)
    return plainReason('signatures', action, 'Ward does not know who signed the image');
  const answers = signatures.map((signature) => {
    const obstacle = obstacleOf(signature, wanted, policy);
    if (obstacle !== undefined) return { obstacle };
    if (!hasAll(signature.annotations, annotations))
      return { obstacle: `one by ${calledBy(signature, policy)} without the annotations` };
    return { signer: signerName(policy, signature, wanted) };
  });
  const signers = new Set(answers.flatMap(({ signer }) => signer ?? [])).size;
  if (signers >= atLeast) return [];
  const found = foundInWords(answers.flatMap(({ obstacle }) => obstacle ?? []));
  const text = `${signers} of ${atLeast} required signatures (${wantedInWords(wanted)}); ${found}; sign it as one of them: ward image sign, cosign sign`;
  return plainReason('signatures', action, text);
}

export function attestationReasons(
  attestations: readonly KnownAttestation[] | undefined,
  { attestations: wanted }: Rules,
  policy: Policy,
): readonly Reason[] {
  const { action, types } = wanted;
  if (attestations === undefined)
    return plainReason('attestations', action, 'Ward does not know the attestations of the image');
  const good = attestations.filter((each) => obstacleOf(each, wanted, policy) === undefined);
  const missing = types.filter((type) => !good.some(({ predicateType }) => isOfType(predicateType, type)));
  if (missing.length === 0) return [];
  const found = foundInWords(
    attestations.map((each) => `${shortType(each.predicateType)} by ${calledBy(each, policy)}`),
  );
  const names = missing.map((type) => plainText(type, 100)).join(', ');
  const text = `no attestation of type ${names} counts (${wantedInWords(wanted)}); ${found}; attest it: cosign attest --type TYPE`;
  return plainReason('attestations', action, text);
}

export function provenanceReasons(
  attestations: readonly KnownAttestation[] | undefined,
  { provenance: wanted }: Rules,
  policy: Policy,
): readonly Reason[] {
  const { action } = wanted;
  if (attestations === undefined)
    return plainReason('provenance', action, 'Ward does not know how the image was built');
  const obstacles = attestations
    .filter(({ predicateType }) => isOfType(predicateType, 'slsaprovenance'))
    .map((each) => obstacleOf(each, wanted, policy) ?? buildObstacle(each.provenance, wanted));
  if (obstacles.includes(undefined)) return [];
  const found = foundInWords(obstacles.flatMap((obstacle) => obstacle ?? []));
  const text = `no SLSA provenance counts (${wantedInWords(wanted)}); ${found}; build it as the rule says, and attest that: cosign attest --type slsaprovenance1`;
  return plainReason('provenance', action, text);
}

/** Names the signers from the policy that vouch for the image. */
export function vouchersOf(
  signatures: readonly VerifiedSignature[] = [],
  attestations: readonly KnownAttestation[] = [],
  policy: Policy,
): Vouchers | undefined {
  const isNamed = (signer: Signer) => signerName(policy, signer) !== undefined;
  const signedBy = signatures.filter(isNamed).map((each) => calledBy(each, policy));
  const attested = attestations
    .filter(isNamed)
    .map((each) => `${shortType(each.predicateType)} by ${calledBy(each, policy)}`);
  if (signedBy.length + attested.length === 0) return undefined;
  const some = (texts: readonly string[]) => [...new Set(texts)].toSorted().slice(0, mostVouchers);
  return { signedBy: some(signedBy), attested: some(attested) };
}

/** Tells whether a signer counts for a rule. */
export function isWanted(signer: Signer, wanted: WantedSigners, policy: Policy): boolean {
  return obstacleOf(signer, wanted, policy) === undefined;
}

/** Tells why a signer does not count; undefined when it does. */
function obstacleOf(signer: Signer, wanted: WantedSigners, policy: Policy): string | undefined {
  const called = calledBy(signer, policy);
  if (signerName(policy, signer, wanted) === undefined)
    return `one by ${called}, which the rule does not name`;
  if (signer.logEntries >= wanted.logEntries) return undefined;
  return `one by ${called} with ${signer.logEntries} of ${wanted.logEntries} required entries in transparency logs`;
}

/** Tells what the rule refuses about a build. */
function buildObstacle(
  provenance: Provenance | undefined,
  { builders, sources, refs }: Rules['provenance'],
): string | undefined {
  if (provenance === undefined) return 'one that can’t be read';
  const { builder, sources: from } = provenance;
  const isOneOf = (patterns: readonly string[], text: string) =>
    patterns.some((pattern) => matchesPattern(pattern, text));
  if (builders.length > 0 && !isOneOf(builders, builder))
    return `the builder ${plainText(builder, 120)}, which is not among the rule’s builders`;
  if (sources.length + refs.length > 0 && from.length === 0) return 'one that names no source repository';
  const other = from.find(({ repository }) => sources.length > 0 && !isOneOf(sources, repository));
  if (other !== undefined)
    return `the source ${plainText(other.repository, 120)}, which is not among the rule’s sources`;
  const wrong = from.find(({ ref = '' }) => refs.length > 0 && !isOneOf(refs, ref));
  if (wrong === undefined) return undefined;
  return `the ref ${plainText(wrong.ref ?? 'that is missing', 120)}, which is not among the rule’s refs`;
}

function isOfType(predicateType: string, type: string): boolean {
  const patterns = Object.hasOwn(attestationTypes, type) ? attestationTypes[type] : undefined;
  return (patterns ?? [type]).some((pattern) => matchesPattern(pattern, predicateType));
}

function shortType(predicateType: string): string {
  const short = Object.keys(attestationTypes).find((type) => isOfType(predicateType, type));
  return short ?? plainText(predicateType, 100);
}

/** `release`, `ci (https://github.com/acme/app/…)`. */
function calledBy(signer: Signer, policy: Policy): string {
  const name = signerName(policy, signer);
  const { certified, keyId = '' } = signer;
  if (certified === undefined) return name ?? `the key ${keyId.slice(0, 16)}`;
  const subject = plainText(certified.subject, 120);
  return name === undefined ? `${subject} (${plainText(certified.issuer, 80)})` : `${name} (${subject})`;
}

function wantedInWords({ keys, identities }: WantedSigners): string {
  const some = (names: readonly string[]) => names.slice(0, 5).join(', ');
  const parts = [
    ...(keys.length === 0 ? [] : [`keys: ${some(keys)}`]),
    ...(identities.length === 0 ? [] : [`identities: ${some(identities)}`]),
  ];
  return parts.length === 0 ? 'it names no keys or identities' : parts.join('; ');
}

function foundInWords(what: readonly string[]): string {
  const all = [...new Set(what)];
  if (all.length === 0) return 'found: none';
  const more = all.length > mostNamed ? `, and ${all.length - mostNamed} more` : '';
  return `found: ${all.slice(0, mostNamed).join(', ')}${more}`;
}

function hasAll(its: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(its, key) && its[key] === value);
}
