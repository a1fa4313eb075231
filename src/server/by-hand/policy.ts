/** Turns the flags of `ward sandbox run` into a policy within the operator's limits. */
import { open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { parseEgress } from '../../egress/index.ts';
import { messageOf, parseSize } from '../../lib/index.ts';
import { boundPolicy, operatorPolicy, type PolicyRequest, type SandboxPolicy } from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';

/** The flags of `ward sandbox run` and `ward sandbox explain`, unparsed. */
export interface SandboxRunOptions {
  readonly image: string;
  readonly command: readonly string[];
  readonly memory?: string;
  readonly cpus?: number;
  readonly pidsLimit?: number;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly readOnly?: boolean;
  readonly tmpfs: readonly string[];
  readonly seccompFile?: string;
  /** Rules in their short form. */
  readonly egress?: readonly string[];
  readonly runtime?: string;
  /** `NAME=VALUE`. */
  readonly env: readonly string[];
  readonly workdir?: string;
  /** `UID[:GID]`. */
  readonly user?: string;
  readonly timeoutMs?: number;
  readonly configFile?: string;
  readonly dataDir?: string;
}

/** The default policy of sandboxes. */
export function effectivePolicy(config: Pick<Config, 'sandbox'>): SandboxPolicy {
  return operatorPolicy(config.sandbox).defaults;
}

/** @throws Fault POLICY_EXCEEDED, POLICY_INVALID, EGRESS_EXCEEDED, EGRESS_INVALID, FLAG_INVALID */
export async function requestedPolicy(
  options: SandboxRunOptions,
  config: Pick<Config, 'sandbox'>,
): Promise<SandboxPolicy> {
  const { seccompFile } = options;
  const profile = seccompFile === undefined ? undefined : await readProfile(seccompFile);
  return boundPolicy(policyRequest(options, profile), operatorPolicy(config.sandbox));
}

/**
 * The changes that the flags request.
 * @param profile content of the `--seccomp` file
 * @throws Fault EGRESS_INVALID, FLAG_INVALID
 */
export function policyRequest(options: SandboxRunOptions, profile: string | undefined): PolicyRequest {
  const { cpus, pidsLimit, capAdd, capDrop, seccompFile = '' } = options;
  const tmpfs = options.tmpfs.map(parseTmpfs);
  const egress = parseEgress(options.egress ?? []);
  return {
    ...(capAdd.length === 0 ? {} : { capAdd }),
    ...(capDrop.length === 0 ? {} : { capDrop }),
    ...(tmpfs.length === 0 ? {} : { tmpfs }),
    ...(egress.length === 0 ? {} : { egress }),
    ...(options.memory === undefined ? {} : { memoryBytes: sizeOf('--memory', options.memory) }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pidsLimit === undefined ? {} : { pidsLimit }),
    ...(options.readOnly === undefined ? {} : { rootReadonly: options.readOnly }),
    ...(options.runtime === undefined ? {} : { runtime: runtimeNamed(options.runtime) }),
    ...(profile === undefined ? {} : { seccomp: [parseProfile(seccompFile, profile)] }),
    ...(options.user === undefined ? {} : userOf(options.user)),
  };
}

const longestProfile = 1024 * 1024;
const defaultTmpfs = { sizeBytes: 64 * 1024 * 1024, inodes: 4096 };

/** `/path[:size=64m,nr_inodes=4096,exec]`, Docker's notation. */
function parseTmpfs(text: string): NonNullable<PolicyRequest['tmpfs']>[number] {
  const at = text.indexOf(':');
  const path = at < 0 ? text : text.slice(0, at);
  const mount = { path, ...defaultTmpfs, exec: false };
  if (!isAbsolute(path)) throw invalid('--tmpfs', `'${path}' is not an absolute path`);
  for (const option of at < 0 ? [] : text.slice(at + 1).split(',')) {
    const [name, value = ''] = option.split('=');
    if (name === 'size') mount.sizeBytes = sizeOf('--tmpfs size', value);
    else if (name === 'nr_inodes') mount.inodes = sizeOf('--tmpfs nr_inodes', value);
    else if (name === 'exec') mount.exec = true;
    else if (!['rw', 'noexec', 'nosuid', 'nodev'].includes(name ?? '')) {
      throw invalid('--tmpfs', `unknown option '${option}'; the options are size, nr_inodes, exec`);
    }
  }
  return mount;
}

function sizeOf(flag: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0) throw invalid(flag, `'${text}' is not a size, like 512m or 2g`);
  return bytes;
}

/** @throws Fault FLAG_INVALID */
export function runtimeNamed(text: string): NonNullable<PolicyRequest['runtime']> {
  if (text === 'crun' || text === 'runc' || text === 'runsc') return text;
  throw invalid('--runtime', `there is no driver for '${text}'; the drivers are crun, runc, runsc`);
}

function userOf(text: string): { readonly uid: number; readonly gid: number } {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  if (!match) throw invalid('--user', `'${text}' is not a numeric UID or UID:GID`);
  return { uid: Number(match[1]), gid: Number(match[2] ?? match[1]) };
}

/** @throws Fault FLAG_INVALID */
export async function readProfile(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const bytes = await buffer(file.createReadStream({ end: longestProfile }));
    if (bytes.length <= longestProfile) return bytes.toString('utf8');
  } catch (cause) {
    throw serverFault('FLAG_INVALID', `--seccomp ${path}: ${messageOf(cause)}`, { cause });
  }
  throw invalid(`--seccomp ${path}`, 'is larger than 1 MiB');
}

function parseProfile(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw serverFault('FLAG_INVALID', `--seccomp ${path}: ${messageOf(cause)}`, { cause });
  }
}

function invalid(flag: string, why: string) {
  return serverFault('FLAG_INVALID', `${flag}: ${why}`);
}
