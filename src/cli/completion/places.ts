/** The places of a command line where something can be completed: at the start, after a group, or after a command. */
import {
  type ArgumentSpec,
  type CommandSpec,
  type EntrySpec,
  flagWords,
  isGroup,
  type OptionSpec,
  takesValue,
} from '../command-spec.ts';
import { leadingOptions, sharedOptionsOf } from '../shared-options.ts';

export interface CompletionLine {
  /** What was typed: `''`, `namespace key`, `action create`. */
  readonly typed: string;
  /** What can follow, in a group. */
  readonly entries: readonly EntrySpec[];
  readonly options: readonly OptionSpec[];
  readonly args: readonly ArgumentSpec[];
}

export function placesOf(entries: readonly EntrySpec[], typed = ''): CompletionLine[] {
  return [
    { typed, entries, options: leadingOptions, args: [] },
    ...entries.flatMap((entry) => {
      const words = typed === '' ? entry.name : `${typed} ${entry.name}`;
      return isGroup(entry)
        ? placesOf(entry.commands, words)
        : [{ typed: words, entries: [], options: optionsOf(entry), args: entry.args }];
    }),
  ];
}

/** The number of words that follow an option. */
function valueCount(option: OptionSpec): 0 | 1 | 2 {
  if (!takesValue(option)) return 0;
  return option.takes === 'pair' ? 2 : 1;
}

/** The words of all options that take that many words. */
export function wordsTaking(options: readonly OptionSpec[], count: 1 | 2): string[] {
  return options.filter((option) => valueCount(option) === count).flatMap(flagWords);
}

function optionsOf(command: CommandSpec): readonly OptionSpec[] {
  return [...command.options, ...sharedOptionsOf(command)];
}
