/** The policy of a scan by hand: a file, the current policy, or Ward's own, plus the flags of the command line. */
import { createHash } from 'node:crypto';
import { type Policy, parsePolicy, rulesFor } from '../../gate/index.ts';
import { type Severity, severities } from '../../scanner/index.ts';
import { type GateAdminOptions, policyInForce } from '../admin/gate.ts';

export interface ScanPolicyFlags extends GateAdminOptions {
  /** Text of a policy; undefined: the current one. */
  readonly policy?: string | undefined;
  /** The lowest severity that fails the scan; `unknown` is the lowest of all. */
  readonly failOn?: Severity | undefined;
  readonly ignoreUnfixed: boolean;
}

type Layer = Policy['layers'][number];

/**
 * A scan without a search for vulnerabilities does not pass, unless a policy has `missing: allow`. Rules on facts
 * that only the gate of a running Ward knows (signatures, attestations, trusted bases) are warnings at most.
 * @throws Fault POLICY_INVALID, DATA_DIR_INVALID
 */
export async function scanPolicy(flags: ScanPolicyFlags, namespace: string): Promise<Policy> {
  const { policy: text, failOn, ignoreUnfixed } = flags;
  const { policy, isOwn } =
    text === undefined ? await policyInForce(flags) : { policy: parsePolicy(text), isOwn: false };
  const { advisories, bases, signatures, attestations, provenance } = rulesFor(policy, namespace, 'push');
  // Ward's own policy ignores vulnerabilities without a fix; a threshold counts them, unless a flag excludes them.
  const isSaid = ignoreUnfixed || (isOwn && failOn !== undefined);
  const layer: Layer = {
    rules: {
      vulnerabilities: {
        ...(failOn === undefined ? {} : limitsFrom(failOn)),
        ...(isSaid ? { ignoreUnfixed } : {}),
      },
      ...(advisories.missing === 'allow' ? {} : { advisories: { missing: 'deny' } }),
      bases: { action: atMostWarn(bases.action) },
      signatures: { action: atMostWarn(signatures.action) },
      attestations: { action: atMostWarn(attestations.action) },
      provenance: { action: atMostWarn(provenance.action) },
    },
  };
  const revision = createHash('sha256')
    .update(JSON.stringify([policy.revision, layer]))
    .digest('hex');
  return { ...policy, revision, layers: [...policy.layers, layer] };
}

function limitsFrom(failOn: Severity): NonNullable<Layer['rules']['vulnerabilities']> {
  const limitOf = (severity: Severity) =>
    severities.indexOf(severity) >= severities.indexOf(failOn) ? 0 : 'any';
  return {
    action: 'deny',
    limits: {
      critical: limitOf('critical'),
      high: limitOf('high'),
      medium: limitOf('medium'),
      low: limitOf('low'),
      none: limitOf('none'),
    },
    ...(failOn === 'unknown' ? { unknown: { action: 'deny', limit: 0 } } : {}),
  };
}

function atMostWarn(action: 'allow' | 'warn' | 'deny'): 'allow' | 'warn' {
  return action === 'allow' ? 'allow' : 'warn';
}
