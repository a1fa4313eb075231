/** `ward completion SHELL`: scripts made from the same records as the commands themselves. */
import { type CommandSpec, type EntrySpec, flagWords, type Handler, isGroup } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import { sharedOptionsOf } from '../shared-options.ts';

export const completion: Handler = async (input, context) => {
  const shell = input.required(0);
  const script = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell];
  if (script === undefined)
    throw cliFault('USAGE', `no completion for '${shell}'`, { hint: 'shells: bash, zsh, fish' });
  context.io.lines([script(context.entries)]);
  return 0;
};

/** Words that may follow, by what was typed: `''`, `action`, `action create`. */
function completions(entries: readonly EntrySpec[]): (readonly [typed: string, words: readonly string[]])[] {
  const flagsOf = (command: CommandSpec) =>
    [...command.options, ...sharedOptionsOf(command)]
      .flatMap(flagWords)
      .filter((word) => word.startsWith('--'));
  return [
    ['', entries.map((entry) => entry.name)],
    ...entries.flatMap((entry) =>
      isGroup(entry)
        ? [
            [entry.name, entry.commands.map((command) => command.name)] as const,
            ...entry.commands.map((command) => [`${entry.name} ${command.name}`, flagsOf(command)] as const),
          ]
        : [[entry.name, flagsOf(entry)] as const],
    ),
  ];
}

function bashScript(entries: readonly EntrySpec[]): string {
  const cases = completions(entries).map(([typed, words]) => `    '${typed}') words='${words.join(' ')}' ;;`);
  return `_ward() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed='' words='' index word
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in -*) continue ;; esac
    case "$typed" in *' '*) ;; '') typed="$word" ;; *) typed="$typed $word" ;; esac
  done
  case "$typed" in
${cases.join('\n')}
    *) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _ward ward`;
}

function zshScript(entries: readonly EntrySpec[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(entries)}`;
}

function fishScript(entries: readonly EntrySpec[]): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const lines = entries.flatMap((entry) => [
    `complete -c ward -n __fish_use_subcommand -f -a ${entry.name} -d ${quoted(entry.summary)}`,
    ...(isGroup(entry) ? entry.commands : []).map(
      (command) =>
        `complete -c ward -n '__fish_seen_subcommand_from ${entry.name}' -f -a ${command.name} -d ${quoted(command.summary)}`,
    ),
  ]);
  return lines.join('\n');
}
