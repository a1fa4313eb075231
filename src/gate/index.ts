/** May this be deployed? Makes a verdict of the policy, the signatures and the findings of a scan. */
export type { GateEvent } from './changes.ts';
export { type EvidenceSources, verifyInTurns, type WantedBases, wantedBases } from './evidence.ts';
export { gateFaults } from './faults.ts';
export { createGate, type Gate } from './gate.ts';
export { type KnownBase, standsOn } from './judge/bases.ts';
export { type Decisive, decisive } from './judge/decisive.ts';
export { type Case, judge } from './judge/judge.ts';
export { type Ignored, type Verdict, type Vouchers, verdictDocument } from './judge/verdict.ts';
export { packageUrlText } from './package-url.ts';
export {
  checkPolicyText,
  defaultPolicy,
  ownPolicyText,
  type Policy,
  parsePolicy,
  rulesFor,
} from './policy/policy.ts';
export type { PolicyProblem } from './policy/policy-problem.ts';
export { type Action, actions, type Rules, type Stage, stages } from './policy/rules-schema.ts';
export { newWaiver, parseWaivers, type Waiver } from './policy/waivers.ts';
export { type PolicyTest, policyTest, reportsOf, storedReports, type TestedReport } from './policy-test.ts';
export type { RejudgeOptions, RejudgeResult } from './rejudging.ts';
export type { Revisions } from './revisions.ts';
export type { AuditCheck, AuditCheckOptions } from './store/audit-check.ts';
export { type AuditDraft, type AuditEntry, parseDraft } from './store/audit-entry.ts';
export type { AuditFound, AuditQuery } from './store/audit-search.ts';
export { type Checkpoint, parseCheckpoint } from './store/checkpoint.ts';
export { gateSchema } from './store/database.ts';
export { openGateStore } from './store/gate-store.ts';
export { gateTables } from './store/tables.ts';
export type * from './store/types.ts';
export { codeSubject, imageSubject } from './subject.ts';
export {
  attestationManifest,
  openStatement,
  predicateTypes,
  provenancePredicate,
  type SealedStatement,
  type Statement,
  sealStatement,
  signatureBundle,
  statementMediaType,
  vulnerabilityPredicate,
} from './trust/attestations.ts';
export { bundleMediaType } from './trust/bundle.ts';
export {
  companionOf,
  companionSuffixes,
  companionTypes,
  isEvidence,
  mostEvidence,
  mostEvidenceBytes,
} from './trust/companions.ts';
export { openEnvelope, sealEnvelope } from './trust/envelope.ts';
export { verifyEvidence } from './trust/evidence-layers.ts';
export {
  generateKeyPair,
  readSigningKey,
  readTrustedKey,
  type SigningKey,
  type TrustedKey,
} from './trust/keys.ts';
export {
  type Artifact,
  type ArtifactLayer,
  companionTag,
  type Descriptor,
  layersOf,
  referrerManifest,
} from './trust/oci-documents.ts';
export {
  type SignatureCheck,
  signManifest,
  type VerifiedSignature,
  verifySignatures,
} from './trust/signatures.ts';
export type * from './trust/signer.ts';
export { readTrustedRoot, type TrustedRoot } from './trust/trusted-root.ts';
export {
  noVex,
  operatorVex,
  packVex,
  readVexFiles,
  readVexFolder,
  unpackVex,
  type VexDocument,
  vexNamesIn,
} from './vex/documents.ts';
export type { OperatorVex, TrustedVex, VexStatement } from './vex/statement.ts';
export { applyVex, parseVex } from './vex/vex.ts';
export { waiverEntry } from './waiver-entry.ts';

/** Loaded on demand: only a Ward with PostgreSQL needs its client. */
export const openPostgresGateStore: typeof import('./store/postgres/open.ts').openPostgresGateStore = async (
  options,
) => (await import('./store/postgres/open.ts')).openPostgresGateStore(options);
