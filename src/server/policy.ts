/** From what a user asks of `ward sandbox run` to a policy within what the operator allows. */
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { parseEgress } from '../egress/index.ts';
import { messageOf, parseSize } from '../lib/index.ts';
import { boundPolicy, operatorPolicy, type PolicyRequest, type SandboxPolicy } from '../sandbox/index.ts';
import type { Config } from './config.ts';
import { serverFault } from './faults.ts';

/** The flags of `ward sandbox run` and `ward sandbox explain`, as they were typed. */
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

/** The policy of every sandbox that nobody asked anything special of. */
export function effectivePolicy(config: Pick<Config, 'sandbox'>): SandboxPolicy {
  return operatorPolicy(config.sandbox).defaults;
}

/** @throws Fault POLICY_EXCEEDED, POLICY_INVALID, EGRESS_EXCEEDED, EGRESS_INVALID, FLAG_INVALID */
export async function requestedPolicy(
  options: SandboxRunOptions,
  config: Pick<Config, 'sandbox'>,
): Promise<SandboxPolicy> {
  const { cpus, pidsLimit } = options;
  const request: PolicyRequest = {
    capAdd: options.capAdd,
    capDrop: options.capDrop,
    tmpfs: options.tmpfs.map(parseTmpfs),
    egress: parseEgress(options.egress ?? []),
    ...(options.memory === undefined ? {} : { memoryBytes: sizeOf('--memory', options.memory) }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pidsLimit === undefined ? {} : { pidsLimit }),
    ...(options.readOnly === undefined ? {} : { rootReadonly: options.readOnly }),
    ...(options.runtime === undefined ? {} : { runtime: runtimeOf(options.runtime) }),
    ...(options.seccompFile === undefined ? {} : { seccomp: [await readProfile(options.seccompFile)] }),
    ...(options.user === undefined ? {} : userOf(options.user)),
  };
  return boundPolicy(request, operatorPolicy(config.sandbox));
}

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
      throw invalid('--tmpfs', `there is no option '${option}'; there are size, nr_inodes, exec`);
    }
  }
  return mount;
}

function sizeOf(flag: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0) throw invalid(flag, `'${text}' is not a size, like 512m or 2g`);
  return bytes;
}

function runtimeOf(text: string): NonNullable<PolicyRequest['runtime']> {
  if (text === 'crun' || text === 'runc' || text === 'runsc') return text;
  throw invalid('--runtime', `there is no driver for '${text}'; there are crun, runc, runsc`);
}

function userOf(text: string): { readonly uid: number; readonly gid: number } {
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  if (!match) throw invalid('--user', `'${text}' is not UID or UID:GID, in numbers`);
  return { uid: Number(match[1]), gid: Number(match[2] ?? match[1]) };
}

async function readProfile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw serverFault('FLAG_INVALID', `--seccomp ${path}: ${messageOf(cause)}`, { cause });
  }
}

function invalid(flag: string, why: string) {
  return serverFault('FLAG_INVALID', `${flag}: ${why}`);
}
