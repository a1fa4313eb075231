/**
 * What a process of Ward's could do outside itself after an attacker took it over. `taken-over.pl`, started behind the
 * walls of that process, tries what the kernel has to refuse. The same program as root is the control: an attempt that
 * fails there as well proves nothing.
 */
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, startCommand, unownedId } from '../lib/index.ts';

export interface Targets {
  readonly keeper: number;
  /** A process and a file of a user other than root and the server's user. */
  readonly stranger: number;
  readonly file: string;
  /** A folder of the server's, to mount on. */
  readonly folder: string;
  /** A folder that only the keeper writes to. */
  readonly kept: string;
  /** A folder that every user may write to; only Landlock refuses it. */
  readonly shared: string;
  /** A port of this machine, for a process without a network; 0 for a process with one. */
  readonly port: number;
}

interface MadeTargets extends Targets, AsyncDisposable {}

/** Answers by name: `done`, the name of an error, or `killed`; and what the process is (`own-…`). */
export type Answers = ReadonlyMap<string, string>;

const program = new URL('./taken-over.pl', import.meta.url);
const perl = '/usr/bin/perl';
/** Runs as root, in namespaces that contain its changes to mounts and names. */
const control = ['/usr/bin/unshare', '--mount', '--uts', '--propagation', 'private', '--'];
const refusals: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'ENOSYS', 'ESRCH', 'ENETUNREACH']);

/** @param server The user of the process. @param keeper A process of root's; this one by default. */
export async function makeTargets(server: number, keeper = process.pid): Promise<MadeTargets> {
  await using stack = new AsyncDisposableStack();
  const place = await mkdtemp(join(tmpdir(), 'ward-taken-over-'));
  stack.defer(() => rm(place, { recursive: true }));
  await chmod(place, 0o711);
  const inPlace = (name: string) => join(place, name);
  const [folder, kept, shared, file] = ['folder', 'kept', 'shared', 'file'].map(inPlace) as Four;
  for (const path of [folder, kept, shared]) await mkdir(path);
  await chmod(shared, 0o777);
  await chown(folder, server, server);
  const stranger = unownedId();
  await writeFile(file, 'a stranger’s', { mode: 0o600 });
  await chown(file, stranger, stranger);
  const as = ['setpriv', `--reuid=${stranger}`, `--regid=${stranger}`, '--clear-groups', '--'];
  const child = startCommand([...as, '/bin/sh', '-c', 'echo; read line'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  stack.defer(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  if (child.stdout) await once(child.stdout, 'data');
  const made = stack.move();
  return {
    ...{ keeper, stranger: child.pid ?? 0, file, folder, kept, shared, port: 0 },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

type Four = [string, string, string, string];

/**
 * @param confine Puts the program behind the walls of the process.
 * @param cwd Where it starts; some processes may write only there.
 */
export async function tryAsTakenOver(
  { keeper, stranger, file, folder, kept, shared, port }: Targets,
  confine: (argv: readonly string[]) => readonly string[],
  cwd = '/',
): Promise<Answers> {
  const words = [String(keeper), String(stranger), file, folder, kept, shared, String(port)];
  // Pass the text of the program, because its path may be closed to the user.
  const argv = confine([perl, '-e', await readFile(program, 'utf8'), ...words]);
  const { stdout, stderr } = await runCommand(argv, {
    timeoutMs: 60_000,
    cwd,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  const answers = stdout.split('\n').flatMap((line) => {
    const [name, said] = line.split(' ');
    return name && said ? [[name, said] as const] : [];
  });
  if (answers.length === 0)
    throw new Error(`the probe of a process that was taken over did not run: ${stderr.trim().slice(-300)}`);
  return new Map(answers);
}

/** Runs the same attempts as root. */
export function tryAsRoot(targets: Targets): Promise<Answers> {
  return tryAsTakenOver(targets, (argv) => [...control, ...argv]);
}

/** Whether the kernel refused for lack of rights. */
export function isRefused(said: string | undefined): boolean {
  return said === 'EPERM' || said === 'EACCES';
}

/**
 * Whether the kernel refused an attempt that it grants root. Undefined where it refuses root as well or lacks the call:
 * then the attempt proves nothing. Pure.
 */
export function wasHeld(name: string, answers: Answers, asRoot: Answers): boolean | undefined {
  const free = asRoot.get(name);
  if (free === undefined || free === 'ENOSYS' || free === 'killed' || isRefused(free)) return undefined;
  return refusals.has(answers.get(name) ?? '');
}
