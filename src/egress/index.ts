/** Ways out of a sandbox: rules, a resolver of Ward's own, and the packet filter that holds what it opened. */
export { egressFaultTable } from './faults.ts';
export { type CidrRule, describeRule, type EgressRule, type HostRule, parseEgress } from './rules.ts';
