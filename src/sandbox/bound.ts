/** Derives a policy from a request, within what the operator allows. Pure; refuses a request rather than trims it. */
import { isAbsolute, normalize } from 'node:path';
import { type EgressRule, grantEgress } from '../egress/index.ts';
import { formatSize } from '../lib/index.ts';
import { parseCapability } from './capabilities.ts';
import { sandboxFault } from './faults.ts';
import type { OperatorPolicy, PolicyCeiling } from './operator.ts';
import type { RuntimeName, SandboxPolicy, TmpfsPolicy } from './policy.ts';
import { strictestOf } from './seccomp/intersect.ts';

/** A user's changes to the operator's default policy. */
export interface PolicyRequest {
  readonly runtime?: RuntimeName;
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly cpuWeight?: number;
  readonly pidsLimit?: number;
  readonly rootReadonly?: boolean;
  /** Added to the default ones; a mount with the same path replaces the default. */
  readonly tmpfs?: readonly TmpfsPolicy[];
  /** `chown`, `CAP_CHOWN`, `ALL`. */
  readonly capAdd?: readonly string[];
  /**
   * A capability that is named here is never granted. `ALL` drops only the default ones, and keeps those in `capAdd`.
   */
  readonly capDrop?: readonly string[];
  /** Seccomp profiles in Docker's or the OCI's format, as parsed JSON. Each can only remove system calls. */
  readonly seccomp?: readonly unknown[];
  readonly uid?: number;
  readonly gid?: number;
  readonly hostname?: string;
  /** Where it may connect to; without rules, nowhere. */
  readonly egress?: readonly EgressRule[];
}

/** All inputs of a sandbox's policy except the operator's settings. */
export interface PolicyAsk {
  readonly request: PolicyRequest;
  /** The limits of actions bound it. */
  readonly memoryBytes: number;
  /**
   * True for code that never compiles at run time. It only removes rights, and only where the operator says `by-kind`.
   */
  readonly writeExecute?: 'refused';
}

/** @throws Fault POLICY_EXCEEDED, POLICY_INVALID, EGRESS_EXCEEDED, each naming the field. */
export function policyFor(
  { request, memoryBytes, writeExecute }: PolicyAsk,
  operator: OperatorPolicy,
): SandboxPolicy {
  // Nothing bounds the operator's own default.
  const isDefault = Object.keys(request).length === 0;
  const policy = isDefault ? operator.defaults : boundPolicy(request, operator);
  const isRefused = writeExecute === 'refused' && policy.writeExecute === 'by-kind';
  return { ...policy, memoryBytes, ...(isRefused ? { writeExecute } : {}) };
}

/** @throws Fault POLICY_EXCEEDED, POLICY_INVALID, EGRESS_EXCEEDED, each naming the field. */
export function boundPolicy(request: PolicyRequest, operator: OperatorPolicy): SandboxPolicy {
  const { defaults, ceiling } = operator;
  const capabilities = capabilitiesOf(request, defaults, ceiling);
  const policy: SandboxPolicy = {
    ...defaults,
    runtime: request.runtime ?? defaults.runtime,
    memoryBytes: request.memoryBytes ?? defaults.memoryBytes,
    cpus: request.cpus ?? defaults.cpus,
    cpuWeight: request.cpuWeight ?? defaults.cpuWeight,
    pidsLimit: request.pidsLimit ?? defaults.pidsLimit,
    rootReadonly: request.rootReadonly ?? defaults.rootReadonly,
    tmpfs: mergeTmpfs(defaults.tmpfs, request.tmpfs ?? []),
    capabilities,
    uid: request.uid ?? defaults.uid,
    gid: request.gid ?? defaults.gid,
    hostname: request.hostname ?? defaults.hostname,
    egress: egressOf(request.egress ?? [], operator),
    seccomp: seccompOf(request.seccomp ?? [], operator, capabilities),
  };
  checkValid(policy);
  checkCeiling(policy, ceiling);
  return Object.freeze(policy);
}

function capabilitiesOf(request: PolicyRequest, defaults: SandboxPolicy, ceiling: PolicyCeiling): string[] {
  const { capAdd = [], capDrop = [] } = request;
  // Adding ALL adds every capability that the operator allows.
  const added = capAdd.flatMap((text) => (isAll(text) ? ceiling.capabilities : [capabilityOf(text)]));
  const refused = added.filter((name) => !ceiling.capabilities.includes(name));
  if (refused.length > 0) throw exceeded('capabilities', `${refused.join(', ')} is not allowed`);
  const dropped = new Set(capDrop.filter((text) => !isAll(text)).map(capabilityOf));
  const kept = capDrop.some(isAll) ? [] : defaults.capabilities;
  return [...new Set([...kept, ...added])].filter((name) => !dropped.has(name));
}

function egressOf(
  rules: readonly EgressRule[],
  { ceiling, egress }: OperatorPolicy,
): SandboxPolicy['egress'] {
  return rules.length === 0 ? undefined : { grants: grantEgress(rules, ceiling.egress), ...egress };
}

function seccompOf(
  profiles: readonly unknown[],
  { defaults: { seccomp }, ceiling }: OperatorPolicy,
  capabilities: readonly string[],
): SandboxPolicy['seccomp'] {
  if (profiles.length === 0) return seccomp;
  const base = seccomp === 'strict' ? undefined : seccomp;
  return strictestOf(profiles, { extraCalls: ceiling.seccompCalls, capabilities }, base);
}

function isAll(text: string): boolean {
  return text.toUpperCase() === 'ALL';
}

function capabilityOf(text: string): string {
  const name = parseCapability(text);
  if (name === undefined) throw invalid('capabilities', `there is no capability ${text}`);
  return name;
}

function mergeTmpfs(base: readonly TmpfsPolicy[], added: readonly TmpfsPolicy[]): TmpfsPolicy[] {
  const byPath = new Map(base.map((mount) => [mount.path, mount]));
  for (const mount of added) byPath.set(mount.path, mount);
  return [...byPath.values()];
}

const forbiddenTmpfs = /^\/(?:proc|sys|dev(?!\/shm$)|fn|ward)?(?:\/|$)/;

function checkValid(policy: SandboxPolicy): void {
  const least = 4 * 1024 * 1024;
  if (!Number.isSafeInteger(policy.memoryBytes) || policy.memoryBytes < least) {
    throw invalid('memory', `at least ${formatSize(least)} is needed`);
  }
  if (!(policy.cpus >= 0.01)) throw invalid('cpus', 'at least 0.01 is needed');
  if (!Number.isInteger(policy.cpuWeight) || policy.cpuWeight < 1 || policy.cpuWeight > 10_000) {
    throw invalid('cpuWeight', 'it must be between 1 and 10000');
  }
  if (!Number.isSafeInteger(policy.pidsLimit) || policy.pidsLimit < 1) {
    throw invalid('pidsLimit', 'at least 1 is needed');
  }
  for (const [field, id] of [['uid', policy.uid] as const, ['gid', policy.gid] as const]) {
    if (!Number.isInteger(id) || id < 0 || id > 65535) throw invalid(field, 'it must be between 0 and 65535');
  }
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(policy.hostname)) {
    throw invalid('hostname', `${policy.hostname} is not a host name`);
  }
  for (const { path, sizeBytes, inodes } of policy.tmpfs) {
    const isPlain = isAbsolute(path) && normalize(path) === path && !path.endsWith('/');
    // A path of 255 bytes has no part that is longer than a file name may be.
    if (!isPlain || forbiddenTmpfs.test(path) || Buffer.byteLength(path) > 255) {
      throw invalid('tmpfs', `${path} can't be a tmpfs`);
    }
    if (!(sizeBytes >= 4096) || !(inodes >= 2))
      throw invalid('tmpfs', `${path} needs at least 4096 bytes and 2 inodes`);
  }
}

function checkCeiling(policy: SandboxPolicy, ceiling: PolicyCeiling): void {
  const limit = (field: string, asked: number, most: number, told: (value: number) => string = String) => {
    if (asked > most) throw exceeded(field, `${told(asked)} is more than ${told(most)}`);
  };
  limit('memory', policy.memoryBytes, ceiling.memoryBytes, formatSize);
  limit('cpus', policy.cpus, ceiling.cpus);
  limit('pidsLimit', policy.pidsLimit, ceiling.pidsLimit);
  const tmpfsBytes = policy.tmpfs.reduce((sum, mount) => sum + mount.sizeBytes, 0);
  limit('tmpfs', tmpfsBytes, ceiling.tmpfsBytes, formatSize);
  if (!ceiling.runtimes.includes(policy.runtime))
    throw exceeded('runtime', `${policy.runtime} is not allowed`);
  if (!policy.rootReadonly) throw exceeded('rootReadonly', 'the root stays read-only');
  const executable = policy.tmpfs.find((mount) => mount.exec);
  if (executable !== undefined && !ceiling.execTmpfs) {
    throw exceeded('tmpfs', `${executable.path} can't hold programs that run`);
  }
}

function invalid(field: string, why: string) {
  return sandboxFault('POLICY_INVALID', `${field}: ${why}`);
}

function exceeded(field: string, why: string) {
  return sandboxFault('POLICY_EXCEEDED', `${field}: ${why}`, {
    hint: 'ask for less, or have the operator raise `sandbox.allow` in the configuration file',
  });
}
