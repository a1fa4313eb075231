/**
 * The annotations `sandbox` and `egress` of an action, and the same values in the limits of a namespace: what is
 * asked of a sandbox beyond the operator's defaults. `gvisor` is short for `{tier: gvisor}`. Whether the ask is
 * allowed is decided where the sandbox is made.
 */
import { createHash } from 'node:crypto';
import type { EffectiveSandboxAsk, SandboxAsk } from '../../dispatch/index.ts';
import { parseEgress } from '../../egress/index.ts';
import { type Fault, isJsonObject, type JsonObject } from '../../lib/index.ts';
import { malformed } from '../faults.ts';
import { type KeyValue, valueFor } from './key-values.ts';

const sandboxAnnotation = 'sandbox';
const egressAnnotation = 'egress';

type Refuse = (detail: string) => Fault;

/**
 * @param field its name in a refusal
 * @throws Fault BODY_INVALID, or what `refuse` makes, naming the field
 */
export function parseSandboxAsk(value: unknown, field: string, refuse: Refuse = malformed): SandboxAsk {
  if (value === 'gvisor') return { tier: value };
  if (!isJsonObject(value)) throw refuse(`'${field}' must be an object, or gvisor`);
  const { tier, seccomp, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw refuse(`'${field}' has tier and seccomp, and no '${unknown.slice(0, 64)}'`);
  return {
    ...(isAbsent(tier) ? {} : { tier: parseTier(tier, `${field}.tier`, refuse) }),
    ...(isAbsent(seccomp) ? {} : { seccomp: parseProfile(seccomp, `${field}.seccomp`, refuse) }),
  };
}

/** Undefined if the action asks for nothing. @throws Fault BODY_INVALID, EGRESS_INVALID */
export function sandboxAskOf(annotations: readonly KeyValue[]): SandboxAsk | undefined {
  const [value, egress] = [valueFor(annotations, sandboxAnnotation), valueFor(annotations, egressAnnotation)];
  if (isAbsent(value) && isAbsent(egress)) return undefined;
  return {
    ...(isAbsent(value) ? {} : parseSandboxAsk(value, sandboxAnnotation)),
    ...(isAbsent(egress) ? {} : { egress: parseEgress(egress) }),
  };
}

/**
 * Combines the ask of the action with the operator's settings for the namespace, which apply where the action has
 * none. An action can only tighten them: it keeps the namespace's tier, runs under both seccomp profiles, and reaches
 * no more. Every call needs this, so results are cached as long as their inputs live.
 */
export function effectiveAsk(
  action: SandboxAsk | undefined,
  namespace: SandboxAsk | undefined,
): EffectiveSandboxAsk | undefined {
  if (action === undefined && namespace === undefined) return undefined;
  const [first, second] = [action ?? nothing, namespace ?? nothing];
  const known = answers.get(first)?.get(second);
  if (known !== undefined) return known;
  const merged = { ...second, ...first, ...boundsOf(first, second) };
  const answer = Object.freeze({ ...merged, id: idOf(merged) });
  const bySecond = answers.get(first) ?? new WeakMap<SandboxAsk, EffectiveSandboxAsk>();
  answers.set(first, bySecond.set(second, answer));
  return answer;
}

const nothing: SandboxAsk = Object.freeze({});
const answers = new WeakMap<SandboxAsk, WeakMap<SandboxAsk, EffectiveSandboxAsk>>();

/** Settings of the namespace for fields that the action also sets. */
function boundsOf(
  action: SandboxAsk,
  namespace: SandboxAsk,
): Pick<EffectiveSandboxAsk, 'egressWithin' | 'seccompWithin'> {
  const { egress, seccomp } = namespace;
  return {
    ...(action.egress === undefined || egress === undefined ? {} : { egressWithin: egress }),
    ...(action.seccomp === undefined || seccomp === undefined ? {} : { seccompWithin: seccomp }),
  };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function parseTier(value: unknown, path: string, refuse: Refuse): 'gvisor' {
  if (value === 'gvisor') return value;
  throw refuse(`'${path}' must be gvisor`);
}

function parseProfile(value: unknown, path: string, refuse: Refuse): JsonObject {
  if (isJsonObject(value)) return value;
  throw refuse(`'${path}' must be a seccomp profile in Docker's format`);
}

/** Keeps the order of keys. A sandbox does not care about it, but a needless new id costs only a sandbox. */
function idOf(ask: Omit<EffectiveSandboxAsk, 'id'>): string {
  return createHash('sha256').update(JSON.stringify(ask)).digest('hex').slice(0, 16);
}
