/** Egress rules of a policy, as they are written and stored. */
import { z } from 'zod';
import { egressFault } from './faults.ts';
import { parseHostPattern } from './names.ts';
import { parseNetwork } from './networks.ts';

export type EgressProtocol = 'tcp' | 'udp';

/** A name, or any name below one (`*.example.com`). It opens the addresses that the name resolves to. */
export type HostRule = {
  readonly host: string;
  readonly ports: readonly number[];
  /** `tcp` when missing. */
  readonly protocol?: EgressProtocol;
};

export type CidrRule = {
  readonly cidr: string;
  /** Every port when missing. */
  readonly ports?: readonly number[];
  readonly protocol?: EgressProtocol;
};

export type EgressRule = HostRule | CidrRule;

const maxRules = 64;
const maxPorts = 64;

const ports = z.array(z.int().min(1).max(65_535)).min(1).max(maxPorts);
const protocol = z.enum(['tcp', 'udp']).optional();
const host = z
  .string()
  .max(300)
  .transform((text, context) => {
    const pattern = parseHostPattern(text);
    if (pattern !== undefined) return pattern;
    const why =
      parseNetwork(text) === undefined
        ? 'neither a host name nor *. and a name of two parts; write other scripts as xn--'
        : 'write an address as cidr';
    context.addIssue({ code: 'custom', message: why });
    return z.NEVER;
  });
const cidr = z
  .string()
  .max(60)
  .transform((text, context) => {
    const network = parseNetwork(text);
    if (network !== undefined) return network.text;
    context.addIssue({ code: 'custom', message: 'not a network like 203.0.113.0/24 or 2001:db8::/32' });
    return z.NEVER;
  });
const hostRule = z.strictObject({ host, ports, protocol });
const cidrRule = z.strictObject({ cidr, ports: ports.optional(), protocol });

/** Parses rules into their canonical form, which parses to itself. @throws Fault EGRESS_INVALID, naming the field */
export function parseEgress(value: unknown): readonly EgressRule[] {
  if (!Array.isArray(value)) throw egressFault('EGRESS_INVALID', 'egress: must be a list of rules');
  if (value.length > maxRules) {
    throw egressFault('EGRESS_INVALID', `egress: ${value.length} rules, more than the limit of ${maxRules}`);
  }
  return value.map((rule: unknown, index) => parseEgressRule(rule, `egress[${index}]`));
}

/**
 * Parses a rule, or its short form as a text: `api.example.com:443`, `udp:ntp.example.com:123`, `203.0.113.0/24`,
 * `203.0.113.0/24:443`, `[2001:db8::/32]:443`.
 * @param path Named in the fault. @throws Fault EGRESS_INVALID
 */
export function parseEgressRule(value: unknown, path: string): EgressRule {
  if (typeof value === 'string') return parseEgressRule(shortForm(value), path);
  const isHost = typeof value === 'object' && value !== null && 'host' in value;
  const parsed = isHost ? hostRule.safeParse(value) : cidrRule.safeParse(value);
  if (parsed.success) return withoutUndefined(parsed.data);
  const [issue] = parsed.error.issues;
  const field = [path, ...(issue?.path ?? [])].join('.');
  throw egressFault('EGRESS_INVALID', `${field}: ${issue?.message ?? 'not a rule'}`, {
    hint: 'a rule is {host: api.example.com, ports: [443]} or {cidr: 203.0.113.0/24, ports: [443]}',
  });
}

/** Formats a rule for people: `tcp api.example.com:443`. */
export function describeRule(rule: EgressRule): string {
  const where = 'host' in rule ? rule.host : rule.cidr;
  return `${rule.protocol ?? 'tcp'} ${where}:${rule.ports?.join(',') ?? '*'}`;
}

/** Expands the short form; the result is not yet checked. */
function shortForm(text: string): object {
  const [, protocolText, rest = ''] = /^(?:(tcp|udp):)?(.*)$/s.exec(text) ?? [];
  const named = protocolText === undefined ? {} : { protocol: protocolText };
  if (parseNetwork(rest) !== undefined) return { cidr: rest, ...named };
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(rest) ?? [];
  const where = bracketed ?? plain;
  if (where === undefined) return { host: rest, ...named };
  const kind = parseNetwork(where) === undefined ? { host: where } : { cidr: where };
  return { ...kind, ports: [Number(port)], ...named };
}

type Parsed = z.output<typeof hostRule> | z.output<typeof cidrRule>;

function withoutUndefined(rule: Parsed): EgressRule {
  const named = rule.protocol === undefined ? {} : { protocol: rule.protocol };
  if ('host' in rule) return { host: rule.host, ports: rule.ports, ...named };
  return { cidr: rule.cidr, ...(rule.ports === undefined ? {} : { ports: rule.ports }), ...named };
}
