/** The attack suite: techniques that try what must not work, in real sandboxes under the policy in force. */
export { proverFaultTable } from './faults.ts';
export { type Progress, type ProveOptions, type ProveReport, type ProveRow, prove } from './prove.ts';
export { type Selection, selectTechniques } from './select.ts';
export {
  type AttackVector,
  attackVectors,
  type OpenAttackedApi,
  type Technique,
  type TechniqueResult,
  type TechniqueSummary,
} from './types.ts';
export {
  type ProveWeakenedOptions,
  proveWeakened,
  type WeakenedReport,
  type WeakenedRow,
} from './weakened/prove-weakened.ts';
