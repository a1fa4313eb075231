/**
 * Checks rules against what the operator allows. A grant also says how far a name reaches: a name that leads to a
 * private address is refused unless the operator named that network. Pure. It refuses a rule that goes too far; it
 * never trims one.
 */
import { z } from 'zod';
import { egressFault } from './faults.ts';
import { coversPattern, matchesPattern } from './names.ts';
import { contains, type Network, parseNetwork } from './networks.ts';
import { refusedAs } from './refused-networks.ts';
import {
  type CidrRule,
  describeRule,
  type EgressProtocol,
  type EgressRule,
  type HostRule,
  parseEgressRule,
} from './rules.ts';

/** The most that rules may open. */
export interface EgressCeiling {
  /** Every address that isn't refused, at every port. */
  readonly public: boolean;
  readonly rules: readonly EgressRule[];
}

export interface HostGrant {
  readonly host: string;
  readonly ports: readonly number[];
  readonly protocol: EgressProtocol;
  /** The name may lead to any address that isn't refused. */
  readonly public: boolean;
  /** Networks that the name may lead to because the operator named them, even if they are refused otherwise. */
  readonly named: readonly Network[];
}

export interface CidrGrant {
  readonly network: Network;
  /** Undefined: every port. */
  readonly ports: readonly number[] | undefined;
  readonly protocol: EgressProtocol;
  /** The operator named this network, so the refused networks inside it are open, too. */
  readonly named: boolean;
  /** The operator named exactly this address, which may then be one of this host's own. */
  readonly exact: boolean;
}

/** What a sandbox may reach. Without grants it has no network device. */
export interface EgressGrants {
  readonly rules: readonly EgressRule[];
  readonly hosts: readonly HostGrant[];
  readonly networks: readonly CidrGrant[];
}

export const closedCeiling: EgressCeiling = Object.freeze({ public: false, rules: [] });

/** `none`, `public`, or a list of rules that may have `public` among them. */
export const egressCeilingSchema = z
  .union([z.enum(['none', 'public']), z.array(z.unknown()).max(1000)])
  .transform((value, context): EgressCeiling => {
    if (typeof value === 'string') return { public: value === 'public', rules: [] };
    try {
      const rules = value.flatMap((entry, index) =>
        entry === 'public' ? [] : [parseEgressRule(entry, `[${index}]`)],
      );
      const never = rules.map(neverReached).find((why) => why !== undefined);
      if (never !== undefined) throw exceeded(never);
      return { public: value.includes('public'), rules };
    } catch (error) {
      context.addIssue({ code: 'custom', message: String(error) });
      return z.NEVER;
    }
  });

/** @throws Fault EGRESS_EXCEEDED, naming the rule */
export function grantEgress(rules: readonly EgressRule[], ceiling: EgressCeiling): EgressGrants {
  const refusal = rules.map((rule) => refusalOf(rule, ceiling)).find((why) => why !== undefined);
  if (refusal !== undefined) throw exceeded(refusal);
  return grantsOf(rules, ceiling);
}

/**
 * Checks rules against the rules of their owner, such as an action's against its namespace's. Only a rule by name
 * covers a name, because the address behind it is not known yet.
 * @throws Fault EGRESS_EXCEEDED
 */
export function narrowEgress(rules: readonly EgressRule[], within: readonly EgressRule[]): void {
  const bound: EgressCeiling = { public: false, rules: within };
  const isCovered = (rule: EgressRule) =>
    'host' in rule ? reachesPublic(rule, bound) : refusalOf(rule, bound) === undefined;
  const beyond = rules.find((rule) => !isCovered(rule));
  if (beyond === undefined) return;
  throw egressFault('EGRESS_EXCEEDED', `egress: ${describeRule(beyond)} is not allowed in this namespace`, {
    hint: 'ask for less, or have the operator change the limit `egress` of the namespace',
  });
}

/** The grants that let a sandbox ask for a name; empty when the name is refused. */
export function grantsFor(grants: EgressGrants, name: string): readonly HostGrant[] {
  return grants.hosts.filter(({ host }) => matchesPattern(host, name));
}

/**
 * Explains why a grant does not open an address that a name leads to; undefined when it does.
 * @param own Addresses of this host, where Ward's API and the owner's services listen
 */
export function addressRefusal(
  grant: HostGrant,
  address: Network,
  own: readonly Network[] = [],
): string | undefined {
  const refused = refusedAs(address);
  const named = grant.named.filter((network) => contains(network, address));
  if (refused?.always) return refused.why;
  const isOwn = own.some((each) => each.family === address.family && contains(each, address));
  if (isOwn && !named.some(isOneAddress)) return 'an address of this host';
  if (refused !== undefined) {
    return named.some(namesRefused) ? undefined : refused.why;
  }
  return grant.public || named.length > 0 ? undefined : 'not in a network that the operator allows';
}

function refusalOf(rule: EgressRule, ceiling: EgressCeiling): string | undefined {
  if ('host' in rule) {
    return reachesPublic(rule, ceiling) || namedFor(rule, ceiling).length > 0
      ? undefined
      : `${describeRule(rule)} is not allowed`;
  }
  const refused = refusedAs(networkOf(rule));
  const covering = networksOver(rule, ceiling);
  if (refused !== undefined) {
    const isNamed = !refused.always && covering.some(namesRefused);
    return isNamed ? undefined : `${describeRule(rule)} is ${refused.why}`;
  }
  return ceiling.public || covering.length > 0 ? undefined : `${describeRule(rule)} is not allowed`;
}

function grantsOf(rules: readonly EgressRule[], ceiling: EgressCeiling): EgressGrants {
  return Object.freeze({
    rules,
    hosts: rules
      .filter((rule) => 'host' in rule)
      .map((rule) => ({
        host: rule.host,
        ports: rule.ports,
        protocol: protocolOf(rule),
        public: reachesPublic(rule, ceiling),
        named: namedFor(rule, ceiling),
      })),
    networks: rules
      .filter((rule) => 'cidr' in rule)
      .map((rule) => ({
        network: networkOf(rule),
        ports: rule.ports,
        protocol: protocolOf(rule),
        named: networksOver(rule, ceiling).some(namesRefused),
        exact: networksOver(rule, ceiling).some(isOneAddress),
      })),
  });
}

function neverReached(rule: EgressRule): string | undefined {
  const refused = 'cidr' in rule ? refusedAs(networkOf(rule)) : undefined;
  return refused?.always ? `${describeRule(rule)} is ${refused.why}` : undefined;
}

function reachesPublic(rule: HostRule, ceiling: EgressCeiling): boolean {
  return (
    ceiling.public ||
    ceiling.rules.some(
      (allowed) => 'host' in allowed && coversPattern(allowed.host, rule.host) && coversPorts(allowed, rule),
    )
  );
}

/** The operator's networks that allow the ports of a rule by name. */
function namedFor(rule: HostRule, ceiling: EgressCeiling): Network[] {
  return ceiling.rules
    .filter((allowed) => 'cidr' in allowed)
    .filter((allowed) => coversPorts(allowed, rule))
    .map(networkOf);
}

/** The operator's networks that contain a rule entirely. */
function networksOver(rule: CidrRule, ceiling: EgressCeiling): Network[] {
  return ceiling.rules
    .filter((allowed) => 'cidr' in allowed)
    .filter((allowed) => coversPorts(allowed, rule))
    .map(networkOf)
    .filter((network) => contains(network, networkOf(rule)));
}

/** A network that is wider than the refused ones, such as 0.0.0.0/0, opens none of them. */
function namesRefused(network: Network): boolean {
  return refusedAs(network) !== undefined;
}

function isOneAddress({ bytes, prefix }: Network): boolean {
  return prefix === bytes.length * 8;
}

function coversPorts(allowed: EgressRule, rule: EgressRule): boolean {
  if (protocolOf(allowed) !== protocolOf(rule)) return false;
  if (allowed.ports === undefined) return true;
  return rule.ports?.every((port) => allowed.ports?.includes(port)) ?? false;
}

function protocolOf(rule: EgressRule): EgressProtocol {
  return rule.protocol ?? 'tcp';
}

function networkOf({ cidr }: CidrRule): Network {
  const network = parseNetwork(cidr);
  if (network === undefined) throw egressFault('EGRESS_INVALID', `${cidr} is not a network`);
  return network;
}

function exceeded(why: string) {
  return egressFault('EGRESS_EXCEEDED', `egress: ${why}`, {
    hint: 'ask for less, or have the operator name it in `sandbox.allow.egress`',
  });
}
