/** Completion for fish: commands and options with their summaries, and names, which the server provides. */
import { type EntrySpec, type NamedThing, type OptionSpec, takesValue } from '../command-spec.ts';
import { leadingOptions } from '../shared-options.ts';
import { type CompletionLine, placesOf, wordsTaking } from './places.ts';

export function fishScript(entries: readonly EntrySpec[]): string {
  return [
    `# What was typed so far, without options.
function __ward_typed
  set -l typed
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip -gt 0
      set skip 0
    else if contains -- $word ${wordsTaking(leadingOptions, 1).join(' ')}
      set skip 1
    else if not string match -q -- '-*' $word
      set -a typed $word
    end
  end
  printf '%s\\n' $typed
end
# True when the commands that were typed so far are exactly these words.
function __ward_at
  set -l typed (__ward_typed)
  test "$typed" = "$argv"
end
# True when this number of words follows these.
function __ward_after
  set -l typed (__ward_typed)
  set -l words $argv[2..-1]
  set -l count (count $words)
  test (count $typed) -eq (math $count + $argv[1]) && test "$typed[1..$count]" = "$words"
end
# True when they begin with these words.
function __ward_in
  string match -q -- "$argv *" (string join ' ' -- (commandline -opc)[2..-1] '')
end`,
    ...placesOf(entries).flatMap(placeLines),
  ].join('\n');
}

function placeLines({ typed, entries, options, args }: CompletionLine): string[] {
  const commands = entries.map(
    ({ name, summary }) =>
      `complete -c ward -n '__ward_at${spaced(typed)}' -f -a ${name} -d ${quoted(summary)}`,
  );
  const flags = entries.length > 0 ? [] : options.map((option) => optionLine(typed, option));
  const names = args.flatMap((argument, index) =>
    argument.names === undefined
      ? []
      : [`complete -c ward -n '__ward_after ${index} ${typed}' -f -a ${quoted(namesFrom(argument.names))}`],
  );
  return [...commands, ...flags, ...names];
}

function optionLine(typed: string, option: OptionSpec): string {
  const short = /^-(\w)\b/.exec(option.flags)?.[1];
  const long = /--([a-z-]+)/.exec(option.flags)?.[1];
  const value = valuePart(option);
  return `complete -c ward -n '__ward_in ${typed}'${short === undefined ? '' : ` -s ${short}`} -l ${long}${value} -d ${quoted(option.summary)}`;
}

function valuePart(option: OptionSpec): string {
  if (option.choices !== undefined) return ` -x -a ${quoted(option.choices.join(' '))}`;
  if (option.names !== undefined) return ` -x -a ${quoted(namesFrom(option.names))}`;
  return takesValue(option) ? ' -r' : '';
}

function namesFrom(thing: NamedThing): string {
  return `(ward completion --names ${thing} 2>/dev/null)`;
}

function spaced(typed: string): string {
  return typed === '' ? '' : ` ${typed}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
