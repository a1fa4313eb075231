/** The host's programs that set up networks, and how to run one inside a network namespace. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type CommandResult, isFault, messageOf, runCommand } from '../lib/index.ts';
import { egressFault } from './faults.ts';

/** Nothing from Ward's own environment. */
export const programEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
const timeoutMs = 20_000;

const needed = [
  { program: 'nft', debianPackage: 'nftables' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'tc', debianPackage: 'iproute2' },
  { program: 'pasta', debianPackage: 'passt' },
  { program: 'unshare', debianPackage: 'util-linux' },
  { program: 'nsenter', debianPackage: 'util-linux' },
] as const;

/** Names the programs and packages that the host lacks; undefined when all programs are installed. */
export function egressObstacle(): string | undefined {
  const folders = programEnv.PATH.split(':');
  const missing = needed.filter(
    ({ program }) => !folders.some((folder) => existsSync(`${folder}/${program}`)),
  );
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].join(' ');
  const names = missing.map(({ program }) => program).join(', ');
  return `${names} missing: apt-get install ${packages}`;
}

/** @throws Fault EGRESS_UNAVAILABLE naming the missing programs */
export function requirePrograms(): void {
  const obstacle = egressObstacle();
  if (obstacle !== undefined) throw unavailable(obstacle);
}

/** @param namespace Path of a network namespace. */
export function inNamespace(namespace: string, argv: readonly string[]): string[] {
  return ['nsenter', `--net=${namespace}`, '--', ...argv];
}

/** @throws Fault EGRESS_UNAVAILABLE with the program's error output */
export async function runNetworkProgram(argv: readonly string[], input = ''): Promise<void> {
  const result = await started(argv, input);
  if (result.code === 0) return;
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-500);
  throw unavailable(`${argv.join(' ')}: exit ${result.code ?? result.signal}: ${said}`);
}

/** Settles with the reason why a program ended or did not start. Never rejects. */
export function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
}

export function unavailable(why: string, hint?: string, cause?: unknown) {
  return egressFault('EGRESS_UNAVAILABLE', `this host can't give a sandbox a way out: ${why}`, {
    hint: hint ?? 'see the row `egress` of `ward doctor`',
    ...(cause === undefined ? {} : { cause }),
  });
}

async function started(argv: readonly string[], input: string): Promise<CommandResult> {
  try {
    return await runCommand(argv, { env: programEnv, input, timeoutMs });
  } catch (error) {
    throw isFault(error) ? unavailable(messageOf(error), undefined, error) : error;
  }
}
