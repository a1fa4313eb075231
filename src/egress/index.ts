/** Ways out of a sandbox: rules, a resolver of Ward's own, and the packet filter that holds what it opened. */
export { egressFaultTable } from './faults.ts';
export {
  closedCeiling,
  type EgressCeiling,
  type EgressGrants,
  egressCeilingSchema,
  grantEgress,
  narrowEgress,
  noEgress,
} from './grants.ts';
export { defaultEgressLimits, type EgressLimits, egressLimitsSchema } from './limits.ts';
export { egressObstacle } from './router/programs.ts';
export { type CidrRule, describeRule, type EgressRule, type HostRule, parseEgress } from './rules.ts';
export { openWaysOut, type WayOut, type WaysOut } from './ways-out.ts';
