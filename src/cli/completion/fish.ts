/** Completion for fish: commands and options with what they are for. */
import { type EntrySpec, type OptionSpec, takesValue } from '../command-spec.ts';
import { leadingOptions } from '../shared-options.ts';
import { type Place, placesOf, wordsTaking } from './places.ts';

export function fishScript(entries: readonly EntrySpec[]): string {
  return [
    `# True when the commands that were typed so far are exactly these words.
function __ward_at
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
  test "$typed" = "$argv"
end
# True when they begin with these words.
function __ward_in
  string match -q -- "$argv *" (string join ' ' -- (commandline -opc)[2..-1] '')
end`,
    ...placesOf(entries).flatMap(placeLines),
  ].join('\n');
}

function placeLines({ typed, entries, options }: Place): string[] {
  const commands = entries.map(
    ({ name, summary }) =>
      `complete -c ward -n '__ward_at${spaced(typed)}' -f -a ${name} -d ${quoted(summary)}`,
  );
  const flags = entries.length > 0 ? [] : options.map((option) => optionLine(typed, option));
  return [...commands, ...flags];
}

function optionLine(typed: string, option: OptionSpec): string {
  const short = /^-(\w)\b/.exec(option.flags)?.[1];
  const long = /--([a-z-]+)/.exec(option.flags)?.[1];
  const value =
    option.choices === undefined
      ? takesValue(option)
        ? ' -r'
        : ''
      : ` -x -a ${quoted(option.choices.join(' '))}`;
  return `complete -c ward -n '__ward_in ${typed}'${short === undefined ? '' : ` -s ${short}`} -l ${long}${value} -d ${quoted(option.summary)}`;
}

function spaced(typed: string): string {
  return typed === '' ? '' : ` ${typed}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
