/**
 * What a server that was taken over could do outside of itself: `taken-over.pl`, started as the keeper starts the server,
 * tries what the kernel has to refuse. The same program as root is the control: what fails there as well proves nothing.
 */
import { fileURLToPath } from 'node:url';
import { runCommand } from '../lib/index.ts';

export interface Targets {
  readonly keeper: number;
  /** A process and a file of another user's than root or the server's. */
  readonly stranger: number;
  readonly file: string;
  /** A folder of the server's, to mount on. */
  readonly folder: string;
  /** One that only the keeper writes to. */
  readonly kept: string;
}

/** Answers by name: `done`, the name of an error, or `killed`. */
export type Answers = ReadonlyMap<string, string>;

export const takenOverProgram = fileURLToPath(new URL('./taken-over.pl', import.meta.url));

/** @param confine puts the program behind the walls of the server */
export async function tryAsTakenOver(
  { keeper, stranger, file, folder, kept }: Targets,
  confine: (argv: readonly string[]) => readonly string[],
): Promise<Answers> {
  const words = [String(keeper), String(stranger), file, folder, kept];
  const { stdout, stderr } = await runCommand(confine(['/usr/bin/perl', takenOverProgram, ...words]), {
    timeoutMs: 60_000,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  const answers = stdout.split('\n').flatMap((line) => {
    const [name, said] = line.split(' ');
    return name && said ? [[name, said] as const] : [];
  });
  if (answers.length === 0)
    throw new Error(`the probe of a server that was taken over did not run: ${stderr}`);
  return new Map(answers);
}

/** The kernel looked at the rights, and found none. */
export function isRefused(said: string | undefined): boolean {
  return said === 'EPERM' || said === 'EACCES';
}
