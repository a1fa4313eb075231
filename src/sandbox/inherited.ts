/**
 * Limits that are set on the process that starts a runtime; the kernel passes them on to all its descendants. The OCI
 * configuration has no field for them, and they need no program of the image. `inherited.pl` sets them and becomes the
 * runtime.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { runCommand } from '../lib/index.ts';
import type { SandboxPolicy } from './policy.ts';

/**
 * `store-bypass`, `indirect-branch`: speculation is off for good (prctl(2), PR_SET_SPECULATION_CTRL). `core`: nothing
 * without the same cookie runs beside it on a core (Documentation/admin-guide/hw-vuln/core-scheduling.rst). `scope`: no
 * abstract socket and no signal leaves it (landlock(7), from ABI 6). `no-write-execute`: memory that was writable never
 * runs (PR_SET_MDWE).
 */
export const inheritedNames = [
  'store-bypass',
  'indirect-branch',
  'core',
  'scope',
  'no-write-execute',
] as const;
export type Inherited = (typeof inheritedNames)[number];

type Processor = 'x64' | 'arm64';

interface Inheriting {
  readonly arch: Processor;
  readonly inherited: ReadonlySet<Inherited>;
}

const program = ['/usr/bin/perl', join(import.meta.dirname, 'inherited.pl')] as const;

/** Finds the limits that this host can set, with processes that try them and end at once. Empty without Perl. */
export async function inheritedHere(arch: Processor): Promise<ReadonlySet<Inherited>> {
  try {
    const { stdout } = await runCommand([...program, arch, 'try', ...inheritedNames], { timeoutMs: 10_000 });
    const said = new Set(stdout.split('\n'));
    return new Set(inheritedNames.filter((name) => said.has(name)));
  } catch {
    return new Set();
  }
}

/** Picks the limits that a sandbox gets from those that the host can set. Pure. */
export function inheritedOf(
  { runtime, landlock, writeExecute, coreScheduling, speculationControl }: SandboxPolicy,
  { inherited }: Pick<Inheriting, 'inherited'>,
): readonly Inherited[] {
  const isGvisor = runtime === 'runsc';
  const isWanted: Readonly<Record<Inherited, boolean>> = {
    'store-bypass': speculationControl,
    'indirect-branch': speculationControl,
    core: coreScheduling,
    // gVisor's kernel has its own sockets and signals, and makes code at run time.
    scope: landlock !== undefined && !isGvisor,
    'no-write-execute': writeExecute === 'refused' && !isGvisor,
  };
  return inheritedNames.filter((name) => isWanted[name] && inherited.has(name));
}

interface Starting {
  readonly argv: readonly string[];
  /** Its sandbox takes over the clocks. */
  readonly keepsClocks: boolean;
}

/** The command that sets these limits and becomes the runtime. */
export function inheritingArgv(
  policy: SandboxPolicy,
  host: Inheriting,
  { argv, keepsClocks }: Starting,
): readonly string[] {
  const names = inheritedOf(policy, host);
  // One program in front of the runtime, not two: each takes a millisecond or more.
  if (names.length > 0) return settingArgv(keepsClocks ? [...names, 'clocks'] : names, host.arch, argv);
  return keepsClocks ? shiftingClocks(argv) : argv;
}

/** @param names in this order; `clocks` shifts them as `shiftingClocks` does */
export function settingArgv(
  names: readonly (Inherited | 'clocks')[],
  arch: Processor,
  argv: readonly string[],
): readonly string[] {
  const words = names.map((name) => (name === 'clocks' ? `clocks=${clockOffset()}` : name));
  return [...program, arch, words.join(','), ...argv];
}

/** The command of a process that waits, and reads from its descriptor 4 what to become. */
export const waitingArgv = [...program, 'wait'] as const;

/** The message that makes a waiting process do what it would have done with these arguments. Pure. */
export function waitingWords(argv: readonly string[]): readonly string[] {
  const isSet = program.every((word, index) => argv[index] === word);
  return isSet ? argv.slice(program.length) : ['', '', ...argv];
}

/**
 * Starts a runtime so that the sandbox's clocks since boot reveal nothing of the host's: in a time namespace with a
 * random offset (time_namespaces(7)). A namespace that the runtime makes inherits the offset.
 */
export function shiftingClocks(argv: readonly string[]): readonly string[] {
  const seconds = String(clockOffset());
  return ['/usr/bin/unshare', '--time', '--boottime', seconds, '--monotonic', seconds, '--', ...argv];
}

const daySeconds = 86_400;

/** In seconds, from one day to a thousand days. */
function clockOffset(): number {
  return randomInt(daySeconds, 1000 * daySeconds);
}
