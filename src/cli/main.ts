/**
 * Entry point of the command line: words → exit code. Loads only what the typed command needs, and turns every error
 * into labelled lines on stderr.
 */
import { existsSync } from 'node:fs';
import { actAs, isFault, messageOf, packageVersion } from '../lib/index.ts';
import { entryPath, findCommand, foldPairs } from './argv.ts';
import type { ClientTalk } from './client.ts';
import type { CommandSpec, Context, EntrySpec } from './command-spec.ts';
import { exitCodeOf } from './faults.ts';
import { hostRemedy } from './host-trouble.ts';
import { Input } from './input.ts';
import { Io, outputFormats, type Terminal } from './io.ts';
import { printableLine } from './printable.ts';
import { buildProgram, type Dispatch, parseProgram } from './program.ts';
import { dataDirOf, readLocalAddress, readLocalKey, resolveSettings, type Settings } from './settings.ts';
import { entriesFor } from './typed-entries.ts';
import { loginPath, readWskprops, wskpropsPath } from './wskprops.ts';

/**
 * @param argv the words after the program's name
 * @param terminal `process`, or its stand-in when the command runs inside a longer-lived process. Commands that work
 * on
 * this machine also use the working folder of the process, and the server room uses its environment.
 * @returns the exit code
 */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  // A reader can stop reading (`ward activation list | head`); that is not an error.
  for (const stream of [terminal.stdout, terminal.stderr]) stream.on('error', () => {});
  let io = new Io(terminal, { format: 'table', isQuiet: false, isVerbose: false });
  let isDebug = false;
  let exitCode = 0;
  let errorExitCode: number | undefined;
  const dispatch: Dispatch = async (command, args, options) => {
    const input = new Input(args, options);
    isDebug = input.has('debug');
    ({ errorExitCode } = command);
    io = createIo(input, terminal);
    if (command.dataFolder !== undefined) await refuseOther(argv, input, entries, terminal.env);
    const handler = await command.handler();
    const run = () => handler(input, createContext(input, io, entries, terminal));
    exitCode = await asOperator(command, input, terminal.env, run);
  };
  let entries: readonly EntrySpec[] = [];
  try {
    entries = await entriesFor(argv);
    const program = buildProgram({
      version: packageVersion(),
      entries,
      hasSeparator: argv.includes('--'),
      write: (text) => terminal.stdout.write(text),
      dispatch,
    });
    await parseProgram(program, foldPairs(argv, findCommand(argv, entries)), entries);
    return exitCode;
  } catch (error) {
    const usual = report(error, io, isDebug);
    return errorExitCode ?? usual;
  }
}

/** The audit log names who has run the command, and what changes outside of its databases. */
async function asOperator(
  { dataFolder, entry }: CommandSpec,
  input: Input,
  env: NodeJS.ProcessEnv,
  run: () => Promise<number>,
): Promise<number> {
  if (dataFolder !== 'changes' && entry === undefined) return run();
  const { operatorHere } = await import('./operator.ts');
  return actAs(operatorHere(env), async () => {
    const change = entry?.(input);
    if (change !== undefined) {
      const { localOptions, openServer } = await import('./local.ts');
      await (await openServer()).noteByOperator(localOptions(input), change);
    }
    return await run();
  });
}

async function refuseOther(
  argv: readonly string[],
  input: Input,
  entries: readonly EntrySpec[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { refuseOtherServer } = await import('./other-server.ts');
  const words = entryPath(argv, entries).map(({ name }) => name);
  refuseOtherServer(words.join(' '), input, env);
}

function createIo(input: Input, terminal: Terminal): Io {
  const asked = input.text('output');
  return new Io(terminal, {
    format: outputFormats.find((format) => format === asked) ?? 'table',
    isQuiet: input.has('quiet'),
    isVerbose: input.has('verbose') || input.has('debug'),
  });
}

function createContext(
  input: Input,
  io: Io,
  entries: readonly EntrySpec[],
  { env, stdin, stderr }: Terminal,
): Context {
  let cached: Settings | undefined;
  const settings = () => {
    cached ??= loadSettings(input, env);
    return cached;
  };
  return {
    io,
    env,
    stdin,
    stderr,
    entries,
    settings,
    client: async () => {
      const { ApiClient } = await import('./client.ts');
      const talk: ClientTalk = {
        trace: (line) => io.trace(line),
        warn: (text) => io.note(printableLine(`warning: ${text}`)),
      };
      const wskprops = wskpropsPath(env);
      if (existsSync(loginPath(wskprops))) {
        const { withFreshKey } = await import('./login/renewal.ts');
        cached = await withFreshKey(settings(), wskprops, talk);
      }
      return new ApiClient(settings(), talk);
    },
  };
}

function loadSettings(input: Input, env: NodeJS.ProcessEnv): Settings {
  const path = wskpropsPath(env);
  const apihost = input.text('apihost');
  const auth = input.text('auth');
  return resolveSettings({
    flags: {
      ...(apihost === undefined ? {} : { apihost }),
      ...(auth === undefined ? {} : { auth }),
      ...(input.has('insecure') ? { insecure: true } : {}),
    },
    env,
    wskprops: { path, properties: readWskprops(path) },
    localAddress: () => readLocalAddress(dataDirOf(input.text('data'), env)),
    localKey: () => readLocalKey(dataDirOf(input.text('data'), env)),
  });
}

function report(error: unknown, io: Io, isDebug: boolean): number {
  if (isFault(error)) {
    const why = error.cause === undefined ? undefined : messageOf(error.cause);
    io.problem(error.code, error.message, {
      ...(why === undefined || error.message.includes(why) ? {} : { why }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  } else {
    const remedy = hostRemedy(error);
    const hint = remedy ?? 'run it again with --debug and report what it prints';
    io.problem(remedy === undefined ? 'BUG' : 'FILE_FAILED', messageOf(error), { hint });
  }
  if (isDebug && error instanceof Error) io.note(error.stack ?? '');
  return isFault(error) ? exitCodeOf(error.kind) : 1;
}
