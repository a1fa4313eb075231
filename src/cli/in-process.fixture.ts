/** Runs the command line in the process of the test, without the cost of starting Node. */
import { Readable, Writable } from 'node:stream';
import type { CommandResult } from '../lib/index.ts';
import { findCommand } from './argv.ts';
import type { OutputStream } from './io.ts';
import { main } from './main.ts';
import { entriesFor } from './typed-entries.ts';

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly input?: string | Buffer;
}

/** The command sees the given environment, and the working folder of this process. */
export async function runInProcess(
  args: readonly string[],
  { env, input = '' }: Surroundings,
): Promise<CommandResult> {
  const stdout = collecting();
  const stderr = collecting();
  const terminal = { env, stdin: Readable.from([Buffer.from(input)]), stdout, stderr };
  const code = await main(args, terminal);
  return { code, signal: null, stdout: stdout.text(), stderr: stderr.text() };
}

let last: Promise<unknown> = Promise.resolve();

/**
 * The same, with this process in a folder and with only the given environment: for commands that name files, and for
 * those of the server room, which reads the environment itself. One at a time.
 */
export function runInFolder(
  args: readonly string[],
  surroundings: Surroundings & { readonly cwd: string },
): Promise<CommandResult> {
  const run = last.then(async () => {
    const { env } = process;
    const before = process.cwd();
    process.chdir(surroundings.cwd);
    process.env = { ...surroundings.env };
    try {
      return await runInProcess(args, surroundings);
    } finally {
      process.env = env;
      process.chdir(before);
    }
  });
  last = run.catch(() => {});
  return run;
}

/** Commands that use a server, but also become another user or enter namespaces: `image sign`, `sandbox learn`. */
const changeTheirProcess = ['image', 'sandbox'];

/** True when the command only sends requests to a server, and needs nothing else of a process. */
export async function onlyTalks(args: readonly string[]): Promise<boolean> {
  if (changeTheirProcess.includes(args[0] ?? '')) return false;
  return findCommand(args, await entriesFor(args))?.works === 'remote';
}

/** Not a terminal: behaves like a pipe. */
function collecting(): OutputStream & { text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return Object.assign(stream, { text: () => Buffer.concat(chunks).toString('utf8') });
}
