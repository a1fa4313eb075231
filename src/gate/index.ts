/** May this be deployed? Policy, trust and what a scan found become a verdict. */
export { gateFaults } from './faults.ts';
export * from './trust/attestations.ts';
export { openEnvelope, sealEnvelope } from './trust/envelope.ts';
export * from './trust/keys.ts';
export * from './trust/oci-documents.ts';
export * from './trust/signatures.ts';
