/**
 * A command is a record: help, completion, parsing and tests all read the same data. Its handler is loaded
 * only when it runs, so that start-up costs the records alone.
 */
import type { ApiClient } from './client.ts';
import type { Input } from './input.ts';
import type { Io, Terminal } from './io.ts';
import type { Settings } from './settings.ts';

/** Things whose names come from the server, for completion. */
export const namedThings = ['action', 'package', 'trigger', 'rule', 'kind'] as const;
export type NamedThing = (typeof namedThings)[number];

export interface ArgumentSpec {
  /** `<name>` is required, `[name]` optional, `[name...]` takes the rest. */
  readonly name: string;
  readonly summary: string;
  readonly names?: NamedThing;
}

export interface OptionSpec {
  /** `-m, --memory <MiB>`; without `<…>` it is a switch. */
  readonly flags: string;
  readonly summary: string;
  /** `pair`: two words, key and value, repeatable. `many`: repeatable. By default the last one counts. */
  readonly takes?: 'pair' | 'many';
  readonly choices?: readonly string[];
  readonly names?: NamedThing;
}

export interface ExampleSpec {
  readonly command: string;
  readonly does: string;
}

/** What a handler gets besides the typed words. */
export interface Context extends Pick<Terminal, 'env' | 'stdin' | 'stderr'> {
  readonly io: Io;
  /** All commands. */
  readonly entries: readonly EntrySpec[];
  /** Read at first use. @throws Fault SETTING_INVALID */
  settings(): Settings;
  /** Created at first use. @throws Fault SETTING_INVALID */
  client(): Promise<ApiClient>;
}

/** What an operator does. */
export interface OperatorEntry {
  readonly what: string;
  readonly name: string;
  readonly summary?: string;
}

/** Returns the exit code. Throws Faults. */
export type Handler = (input: Input, context: Context) => Promise<number>;

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly ExampleSpec[];
  /** Which shared options it has: those for talking to a server, those for work on this machine, or none. */
  readonly works: 'remote' | 'local' | 'alone';
  /** What it does with the data of the server on this machine. It stops if the settings name another server. */
  readonly dataFolder?: 'reads' | 'changes';
  /**
   * The entry that the audit log gets before the command changes anything; undefined: it changes nothing this time.
   * Absent: the databases write it with the change.
   */
  readonly entry?: (input: Input) => OperatorEntry | undefined;
  /** The words after its first argument are another program's command line. */
  readonly wrapsCommand?: boolean;
  /** Exit code of every error, for commands whose callers tell outcomes apart by the exit code alone. */
  readonly errorExitCode?: number;
  readonly handler: () => Promise<Handler>;
}

export interface GroupSpec {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly EntrySpec[];
}

export type EntrySpec = GroupSpec | CommandSpec;

export function isGroup(entry: EntrySpec): entry is GroupSpec {
  return 'commands' in entry;
}

/** Every command with the words that name it: `namespace key create`. */
export function commandsOf(
  entries: readonly EntrySpec[],
  before = '',
): (readonly [words: string, command: CommandSpec])[] {
  return entries.flatMap((entry) =>
    isGroup(entry)
      ? commandsOf(entry.commands, `${before}${entry.name} `)
      : [[`${before}${entry.name}`, entry] as const],
  );
}

/** The words of an option: `-m, --memory <MiB>` → `['-m', '--memory']`. */
export function flagWords(option: OptionSpec): string[] {
  return option.flags.split(/[ ,]+/).filter((word) => word.startsWith('-'));
}

/** True when a value follows the option. */
export function takesValue(option: OptionSpec): boolean {
  return option.flags.includes('<');
}
