/** The policy that a scan by hand is judged by: a file or Ward's own, and over it what was typed. */
import { createHash } from 'node:crypto';
import { defaultPolicy, type Policy, parsePolicy, rulesFor } from '../gate/index.ts';
import { type Severity, severities } from '../scanner/index.ts';

export interface ScanPolicyFlags {
  /** Text of a policy; undefined: Ward's own. */
  readonly policy?: string | undefined;
  /** The lowest severity of which not one vulnerability may be there; `unknown` is the lowest of all. */
  readonly failOn?: Severity | undefined;
  readonly ignoreUnfixed: boolean;
}

type Layer = Policy['layers'][number];

/**
 * Without a policy of one's own, a scan that looked for no vulnerabilities does not pass. What only the gate of a running
 * Ward knows (signatures, trusted bases) is a warning at most.
 * @throws Fault POLICY_INVALID
 */
export function scanPolicy(
  { policy: text, failOn, ignoreUnfixed }: ScanPolicyFlags,
  namespace: string,
): Policy {
  const policy = text === undefined ? defaultPolicy() : parsePolicy(text);
  const { bases, signatures } = rulesFor(policy, namespace, 'push');
  const unfixed =
    text === undefined && failOn !== undefined ? { ignoreUnfixed } : ignoreUnfixed ? { ignoreUnfixed } : {};
  const layer: Layer = {
    rules: {
      vulnerabilities: { ...(failOn === undefined ? {} : limitsFrom(failOn)), ...unfixed },
      ...(text === undefined ? { advisories: { missing: 'deny' } } : {}),
      bases: { action: atMostWarn(bases.action) },
      signatures: { action: atMostWarn(signatures.action) },
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
