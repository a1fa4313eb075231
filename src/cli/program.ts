/**
 * Builds the parser from the records, and knows no command itself. Turns what commander would print or exit with into
 * Faults and exit codes, so that all errors look the same.
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { entryPath, unfoldPair } from './argv.ts';
import {
  type CommandSpec,
  commandsOf,
  type EntrySpec,
  type ExampleSpec,
  isGroup,
  type OptionSpec,
} from './command-spec.ts';
import { cliFault } from './faults.ts';
import { leadingOptions, sharedOptionsOf } from './shared-options.ts';
import { commandMeantBy } from './suggestions.ts';

/** Called with the typed command, its arguments, and all options by name. */
export type Dispatch = (
  command: CommandSpec,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
) => Promise<void>;

interface ProgramOptions {
  readonly version: string;
  readonly entries: readonly EntrySpec[];
  /** True when the line has a `--`: then options of a wrapping command can stand anywhere before it. */
  readonly hasSeparator: boolean;
  readonly write: (text: string) => void;
  readonly dispatch: Dispatch;
}

export function buildProgram(options: ProgramOptions): Command {
  const program = prepare(new Command('ward'), options)
    .description(
      'Runs code you don’t trust. Deploy a function, invoke it, and it runs in a locked-down sandbox.',
    )
    .version(options.version, '-V, --version', 'print the version')
    .enablePositionalOptions();
  addOptions(program, leadingOptions, 'Options:', true);
  for (const entry of options.entries) program.addCommand(buildEntry(entry, options));
  program.addHelpText('after', examplesText(quickStart));
  return program;
}

/** Parses; help and version count as done. @throws Fault USAGE */
export async function parseProgram(
  program: Command,
  argv: readonly string[],
  entries: readonly EntrySpec[],
): Promise<void> {
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === 'commander.help') return;
    const known = entryPath(argv, entries).map(({ name }) => name);
    throw usageFault(error, known, entries);
  }
}

const quickStart: readonly ExampleSpec[] = [
  { command: 'ward up', does: 'run the platform' },
  { command: 'ward action create hello examples/hello.js', does: 'deploy a function' },
  { command: 'ward action invoke hello --param name World --result', does: 'run it' },
];

function buildEntry(entry: EntrySpec, options: ProgramOptions): Command {
  if (!isGroup(entry)) return buildCommand(entry, options);
  const group = prepare(new Command(entry.name), options).summary(entry.summary).description(entry.summary);
  group.enablePositionalOptions();
  addOptions(group, leadingOptions, 'Options:', true);
  for (const command of entry.commands) group.addCommand(buildEntry(command, options));
  const examples = commandsOf(entry.commands).flatMap(([, command]) => command.examples.slice(0, 1));
  group.addHelpText('after', examplesText(examples));
  return group;
}

function buildCommand(spec: CommandSpec, options: ProgramOptions): Command {
  const command = prepare(new Command(spec.name), options).summary(spec.summary).description(spec.summary);
  for (const argument of spec.args) command.addArgument(new Argument(argument.name, argument.summary));
  addOptions(command, spec.options, 'Options:');
  addOptions(command, sharedOptionsOf(spec), 'Shared options:');
  command.addHelpText('after', examplesText(spec.examples));
  command.passThroughOptions(spec.wrapsCommand === true && !options.hasSeparator);
  return command.action(async () => {
    const levels: Readonly<Record<string, unknown>>[] = [];
    for (let level: Command | null = command; level !== null; level = level.parent)
      levels.unshift(level.opts());
    await options.dispatch(spec, command.args, Object.assign({}, ...levels));
  });
}

function prepare(command: Command, options: ProgramOptions): Command {
  return command
    .exitOverride()
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .allowExcessArguments(false)
    .configureOutput({ writeOut: options.write, writeErr: options.write, outputError: () => {} });
}

function addOptions(command: Command, specs: readonly OptionSpec[], heading: string, isHidden = false): void {
  for (const spec of specs) {
    const option = new Option(spec.flags, spec.summary).helpGroup(heading).hideHelp(isHidden);
    if (spec.choices !== undefined) option.choices(spec.choices);
    if (spec.takes !== undefined) {
      const { choices } = spec;
      const parse = spec.takes === 'pair' ? unfoldPair : (word: string) => choiceOf(word, choices);
      option.argParser<unknown[]>((word, previous) => [...(previous ?? []), parse(word)]);
    }
    command.addOption(option);
  }
}

function choiceOf(word: string, choices: OptionSpec['choices']): string {
  if (choices?.includes(word) !== false) return word;
  throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
}

function examplesText(examples: readonly ExampleSpec[]): string {
  const lines = examples.map(({ command, does }) => `  ${command}\n      ${does}`);
  return `\nExamples:\n${lines.join('\n')}`;
}

/** `error: unknown command 'acton'\n(Did you mean action?)` → the problem, and what to type. */
function usageFault(error: CommanderError, known: readonly string[], entries: readonly EntrySpec[]) {
  const [first = '', ...rest] = error.message.split('\n');
  const alike = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  const help = ['ward', ...known, '--help'].join(' ');
  const word = /unknown command '(.*)'/.exec(first)?.[1];
  const meant =
    word === undefined
      ? alike
      : (commandMeantBy(word, known, entries) ??
        (alike === undefined ? undefined : ['ward', ...known, alike].join(' ')));
  const hint = meant === undefined ? help : `did you mean ${meant}? ${help} shows all`;
  return cliFault('USAGE', first.replace(/^error: /, ''), { hint });
}
