/** Ways out of a sandbox: rules, a resolver of Ward's own, and the packet filter that holds what it opened. */
export {
  closedCeiling,
  type EgressCeiling,
  type EgressGrants,
  egressCeilingSchema,
  grantEgress,
  narrowEgress,
} from './grants.ts';
export { defaultEgressLimits, type EgressLimits, egressLimitsSchema } from './limits.ts';
export { parseHostName } from './names.ts';
export {
  type HostAndPort,
  pinAddress,
  type ResolveName,
  requireAllowedHost,
  resolverOf,
} from './pinned-address.ts';
export { egressObstacle } from './programs.ts';
export { parseRefusal, type Refusal } from './refusal-text.ts';
export { describeRule, type EgressRule, parseEgress } from './rules.ts';
export {
  type Connection,
  mostConnections,
  mostTrafficBytes,
  sumOfTraffic,
  type Traffic,
} from './traffic.ts';
export { openWaysOut, type WayOut, type WaysOut } from './ways-out.ts';
