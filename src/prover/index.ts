/** The attack suite: techniques that try what must not work, in real sandboxes under the policy in force. */
export { type ProveReport, type ProveRow, prove } from './prove.ts';
export { selectTechniques } from './select.ts';
export type { TakenNode } from './taken-node.ts';
export type {
  AttackVector,
  OpenAttackedApi,
  TechniqueSummary,
} from './types.ts';
export {
  proveWeakened,
  type WeakenedReport,
  type WeakenedRow,
} from './weakened/prove-weakened.ts';
